import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { runChild } from '../src/lib/child.js'
import { House, onlySshd, withoutDebian } from './kit/daemon-kit.js'

const ours = path.resolve(import.meta.dirname, '../bin')
const withoutPeer = withoutDebian || (existsSync('/usr/bin/fail2ban-server') ? false : 'no /usr/bin/fail2ban-server')
const programs = ['fail2ban-client', 'fail2ban-server']

/** What a program prints, without time and process, and how it ends. */
async function answer(program: string, ...words: string[]) {
  const { exitCode, stdout, stderr } = await runChild([program, ...words], {
    timeoutMs: 40_000,
    outputBytesMax: 1 << 24,
  })
  return { exitCode, stdout, told: stderr.replace(/^[-\d]+ [\d:,]+ (\S+) +\[\d+\]: (\w+) +/gm, '$1 $2 ') }
}

const jail = (options: string) => `[x]\nenabled = true\nlogpath = DIR/auth.log\n${options}\n`
const debian = (options: string) => new House({ base: 'debian', jails: `[sshd]\nenabled = false\n${jail(options)}` })

describe('the test of a configuration', () => {
  it('and its dump are the same by both programs, and as Fail2ban has them', { skip: withoutPeer }, async () => {
    const house = debian('backend = polling')
    house.write('config/filter.d/x.conf', '[Definition]\nfailregex = ^x <HOST>$\n')
    const wrong = debian('backend = polling\nfilter = nowhere')
    for (const [config, exitCode] of [
      [house.config, 0],
      [wrong.config, 255],
      ['/nonexistent', 255],
    ] as const)
      for (const words of [['-t'], ['-d'], ['--dp']])
        for (const program of programs) {
          const here = await answer(path.join(ours, program), '-c', config, ...words)
          assert.deepEqual(here, await answer(path.join('/usr/bin', program), '-c', config, ...words))
          if (words[0] === '-t') assert.equal(here.exitCode, exitCode)
        }
  })

  it('is passed in spite of a wrong regex or time, with a warning, where tocsin check fails', async () => {
    const table = [
      [jail('bantime = 1x'), '^x <HOST>$', /WARNING Jail 'x': bantime "1x" is not a time \(.*jail\.local:\d+\)/],
      [jail('backend = gamin'), '^x <HOST>$', /WARNING Jail 'x': backend "gamin" is not known \(.*jail\.local:\d+\)/],
      [jail(''), '^(x <HOST>$', /WARNING Jail 'x': failregex: Unable to compile .* at position 1 \(.*x\.conf:2\)/],
    ] as const
    for (const [jails, failregex, warning] of table) {
      const house = new House({ jails: onlySshd() + jails })
      house.write('config/filter.d/x.conf', `[Definition]\nfailregex = ${failregex}\n`)
      for (const program of programs) {
        const { exitCode, stdout, told } = await answer(path.join(ours, program), '-c', house.config, '-t')
        assert.deepEqual([exitCode, stdout], [0, 'OK: configuration test is successful\n'], told)
        assert.match(told, warning)
      }
      assert.equal((await house.tocsin('check')).exitCode, 255)
    }
  })
})
