import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { getopt } from './getopt.js'

const accepted = { short: 'hc:xv', long: ['conf=', 'config-only', 'help', 'dp', 'dump-pretty'] }

const split = (line: string) => {
  const given = getopt(line === '' ? [] : line.split(' '), accepted)
  if (typeof given === 'string') return given
  return [
    ...given.options.map(({ name, value }) => (value === '' ? name : `${name}=${value}`)),
    '|',
    ...given.rest,
  ].join(' ')
}

describe('a command line', () => {
  const lines: [line: string, what: string][] = [
    ['', '|'],
    ['status', '| status'],
    ['-x status -v', '-x | status -v'],
    ['-xvc /etc status', '-x -v -c=/etc | status'],
    ['-xc/etc status', '-x -c=/etc | status'],
    ['--conf /etc status', '--conf=/etc | status'],
    ['--conf=/etc status', '--conf=/etc | status'],
    ['--conf= status', '--conf | status'],
    ['--dum --he', '--dump-pretty --help |'],
    ['-x -- -v status', '-x | -v status'],
    ['-x - status', '-x | - status'],
    ['-v -v -v', '-v -v -v |'],
  ]
  for (const [line, what] of lines) it(`"${line}" is ${what}`, () => assert.equal(split(line), what))
})

describe('a command line that is not understood', () => {
  const lines: [line: string, what: string][] = [
    ['-z', 'option -z not recognized'],
    ['-xz', 'option -z not recognized'],
    ['-x: status', 'option -: not recognized'],
    ['-c', 'option -c requires argument'],
    ['--conf', 'option --conf requires argument'],
    ['--nosuch', 'option --nosuch not recognized'],
    ['--con=x', 'option --con not a unique prefix'],
    ['--help=now', 'option --help must not have an argument'],
  ]
  for (const [line, what] of lines) it(`"${line}": ${what}`, () => assert.equal(split(line), what))
})
