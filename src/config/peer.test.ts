import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { copyConfiguration, stockDir } from '../../test/kit/stock-configuration.js'
import { runChild } from '../lib/child.js'
import { dumpConfiguration, type Printed, testConfiguration } from './test-configuration.js'

/**
 * Our command stream against that of an installed Fail2ban. Each directory of test/fixtures/config holds an
 * `expected.txt`, written from the installed peer with `EXPECT=write`; its sections are the answers to `-d`, `--dp`, `-t`.
 */
const fixtures = fileURLToPath(new URL('../../test/fixtures/config', import.meta.url))
const peer = '/usr/bin/fail2ban-client'
const noPeer = existsSync(peer) ? false : `no ${peer}`
const runs = ['-d', '--dp', '-t'] as const
type Run = (typeof runs)[number]
const writes = process.env.EXPECT === 'write'

describe('the command stream', () => {
  for (const name of fixtureNames()) {
    const dir = path.join(fixtures, name)
    const expectedFile = path.join(dir, 'expected.txt')
    const differs = reasonToDiffer(dir)

    it(`is the expected one for ${name}`, () => {
      const version = differs ? '1.1.1' : '1.0.2'
      const ours = runs.map((run) => ({ run, text: transcript(print(run, dir, version), dir) }))
      if (differs && writes) writeFileSync(expectedFile, joined(ours))
      assert.deepEqual(sections(readFileSync(expectedFile, 'utf8')), sections(joined(ours)))
    })

    // What differs on purpose has nothing to be compared with.
    if (differs) continue
    it(`is expected from the installed peer for ${name}`, { skip: noPeer }, async () => {
      const theirs = await Promise.all(runs.map(async (run) => ({ run, text: await askPeer(run, dir) })))
      if (writes) writeFileSync(expectedFile, joined(theirs))
      assert.equal(readFileSync(expectedFile, 'utf8'), joined(theirs))
    })
  }

  const noStock = noPeer || (existsSync(`${stockDir}/jail.conf`) ? false : `no ${stockDir}`)
  it('is that of the installed peer for its own configuration with every jail enabled', {
    skip: noStock,
  }, async (t) => {
    const dir = mkdtempSync(path.join(tmpdir(), 'all-jails-'))
    t.after(() => rmSync(dir, { recursive: true }))
    copyConfiguration(stockDir, dir)
    writeFileSync(path.join(dir, 'jail.local'), '[DEFAULT]\nenabled = true\n')
    for (const run of ['-d', '--dp'] as const) {
      const [ours, theirs] = [transcript(print(run, dir, '1.0.2'), dir), await askPeer(run, dir)]
      const lines = ours.split('\n')
      const different = theirs.split('\n').flatMap((line, at) => (line === lines[at] ? [] : [at]))
      // Since 1.1 an argument replaces the inet6 variant of the option too; one stock jail gives such an argument.
      const known = different.filter((at) => withoutInet6(lines[at]) === withoutInet6(theirs.split('\n')[at]))
      assert.deepEqual(different, known)
      assert(different.length <= 1, `${different.length} lines differ`)
      assert.equal(lines.length, theirs.split('\n').length)
    }
  })
})

function withoutInet6(line: string | undefined): string | undefined {
  return line?.replace(/\['blocktype\?family=inet6', '[^']*'\]/, '')
}

function print(run: Run, dir: string, fail2banVersion: string): Printed {
  if (run === '-t') return testConfiguration({ dir, fail2banVersion })
  return dumpConfiguration({ dir, fail2banVersion, form: run === '-d' ? 'lines' : 'pretty' })
}

function transcript({ stdout, stderr, exitCode }: Printed, dir: string): string {
  const said = stderr.filter(({ level }) => level === 'ERROR' || level === 'WARNING')
  const errors = said.map(({ level, module, text }) => `${module === '' ? '' : `${module}: `}${level} ${text}`)
  return normal([...stdout, ...errors.map(marked), `exit ${exitCode}`].join('\n'), dir)
}

async function askPeer(run: Run, dir: string): Promise<string> {
  const { stdout, stderr, exitCode } = await runChild([peer, '-c', dir, run], {
    timeoutMs: 60_000,
    outputBytesMax: 8 << 20,
    env: { ...process.env, LC_ALL: 'C.UTF-8', PYTHONUTF8: '1' },
  })
  const errors = stderr
    // Without the time, the process and the padding; a message may have more lines than one.
    .replace(/^\S+ \S+ fail2ban(?:\.(\S+?))? *\[\d+\]: (\w+) +/gm, (_, module, level) =>
      marked(`${module === undefined ? '' : `${module}: `}${level} `),
    )
    .split('\n')
    .slice(0, -1)
  return normal([...stdout.split('\n').slice(0, -1), ...errors, `exit ${exitCode}`].join('\n'), dir)
}

function marked(line: string): string {
  return `! ${line}`
}

/** Without the place of the fixture. NOTE: 1.1 puts the jail of a missing log into quotes; so do we. */
function normal(text: string, dir: string): string {
  const placed = text.replaceAll(dir, '/DIR')
  return `${placed.replace(/^(.*Have not found any log file for )([^'\n].*) jail$/gm, "$1'$2' jail.")}\n`
}

function joined(answers: readonly { run: Run; text: string }[]): string {
  return answers.map(({ run, text }) => `$ ${run}\n${text}`).join('')
}

function sections(text: string): Map<string, string> {
  const parts = text.split(/^\$ (?=-)/m).slice(1)
  return new Map(parts.map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1)]))
}

function fixtureNames(): string[] {
  const entries = readdirSync(fixtures, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
}

/** Where we follow 1.1, or do better, `differs.txt` says how; the expectation is then written from ours, and read. */
function reasonToDiffer(dir: string): string | false {
  const file = path.join(dir, 'differs.txt')
  return existsSync(file) && readFileSync(file, 'utf8').trim()
}
