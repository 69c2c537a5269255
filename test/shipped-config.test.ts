import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { loadConfig } from '../src/config/load.js'
import { runChild } from '../src/lib/child.js'
import { silentLog } from '../src/lib/log.js'
import { compileFilter } from '../src/match/filter.js'
import { LineMatcher } from '../src/match/line-matcher.js'

/** `config/samples` says line by line what each filter must find: see the README there. */
const shipped = path.resolve(import.meta.dirname, '../config')
const samples = readdirSync(path.join(shipped, 'samples'))
  .filter((file) => file.endsWith('.log'))
  .map((file) => readSample(file))
const victim = '203.0.113.66'

/** A copy of the shipped configuration in which every sample file is the log of a jail of its own, and no other log is read. */
const scratch = mkdtempSync(path.join(tmpdir(), 'tocsin-shipped-'))
after(() => rmSync(scratch, { recursive: true }))
const copy = path.join(scratch, 'config')
cpSync(shipped, copy, { recursive: true })
mkdirSync(path.join(copy, 'jail.d'))
const stockJails = readFileSync(path.join(shipped, 'jail.conf'), 'utf8').matchAll(/^\[(?!DEFAULT)(.*)\]$/gm)
writeFileSync(
  path.join(copy, 'jail.d/samples.conf'),
  [
    ...[...stockJails].map(([, name]) => `[${name}]\nlogpath = ${copy}/samples/sshd.log`),
    ...samples.map(
      ({ file, filter, mode }) =>
        `[${jailOf(file)}]\nenabled = true\nfilter = ${filter}[mode=${mode}]\nlogpath = ${copy}/samples/${file}`,
    ),
  ].join('\n'),
)

describe('sample lines', () => {
  it('exist for every shipped filter', () => {
    const included = new Set(['syslog-line'])
    const filters = readdirSync(path.join(shipped, 'filter.d')).map((file) => file.replace(/\.conf$/, ''))
    const sampled = new Set(samples.map(({ filter }) => filter))
    assert.deepEqual(
      filters.filter((name) => !included.has(name) && !sampled.has(name)),
      [],
    )
  })

  it('never have the victim of a hostile line banned', () => {
    for (const { expected } of samples) assert.ok(![...expected.values()].includes(victim))
  })
})

const peer = ['/usr/bin/fail2ban-regex', '/usr/bin/fail2ban-client'].find((file) => !existsSync(file))
describe('shipped configuration in Fail2ban', { skip: peer ? `${peer} is not installed` : false }, () => {
  it('passes its configuration test', async () => {
    const test = await runChild(['fail2ban-client', '-c', copy, '-t'], { timeoutMs: 20_000 })
    assert.equal(test.exitCode, 0, test.stdout + test.stderr)
    assert.doesNotMatch(test.stdout + test.stderr, /WARNING|ERROR/)
  })

  it('becomes a command stream without errors, even where no log exists', async () => {
    const dump = await runChild(['fail2ban-client', '-c', shipped, '-d'], { timeoutMs: 20_000 })
    assert.equal(dump.exitCode, 0, dump.stderr)
    assert.doesNotMatch(dump.stdout, /config-error/)
  })

  for (const sample of samples) {
    it(`finds in ${sample.file} who is written there, and nobody else`, async () => {
      assert.deepEqual(await askPeer(sample.file, sample.filter, sample.mode), failuresOf(sample.expected))
    })
  }

  it('finds in the other modes of sshd everything that normal mode finds', async () => {
    const normal = failuresOf(readSample('sshd.log').expected)
    for (const mode of ['pam', 'aggressive']) {
      const found = new Set(await askPeer('sshd.log', 'sshd', mode))
      assert.deepEqual(
        normal.filter((failure) => !found.has(failure)),
        [],
      )
    }
  })
})

describe('shipped configuration in tocsin', () => {
  const nowMs = new Date(2026, 10, 21, 4).getTime()

  it('loads without a problem, with the six jails it promises', () => {
    const { config, problems } = loadConfig({ dir: shipped })
    assert.deepEqual(problems, [])
    assert.deepEqual(
      config?.jails.map((jail) => jail.name),
      ['sshd', 'nginx-http-auth', 'nginx-bad-request', 'apache-auth', 'apache-bad-request', 'recidive'],
    )
  })

  for (const sample of samples) {
    it(`finds in ${sample.file} who is written there, and nobody else`, () => {
      const { config, problems } = loadConfig({ dir: copy })
      assert.deepEqual(problems, [])
      const jail = config?.jails.find(({ name }) => name === jailOf(sample.file))
      assert.ok(jail)
      const compiled = compileFilter(jail.filter, { nowMs })
      assert.ok('filter' in compiled, JSON.stringify(compiled))
      const matcher = new LineMatcher(compiled.filter, { jail: jail.name, findTimeMs: 600_000, log: silentLog })
      const found: string[] = []
      matcher.scan(`${[...sample.expected.keys()].join('\n')}\n`, { nowMs, live: true }, ({ id, lines }) =>
        found.push(`${id} | ${lines.join('\n')}`),
      )
      assert.deepEqual(found, failuresOf(sample.expected))
    })
  }
})

interface Sample {
  file: string
  filter: string
  mode: string
  /** What each line must give, in the order of the file; undefined: nothing. */
  expected: ReadonlyMap<string, string | undefined>
}

/** `sshd.aggressive.log` is for the filter sshd in mode aggressive. */
function readSample(file: string): Sample {
  const [filter = '', mode = 'normal'] = file.replace(/\.log$/, '').split('.')
  const expected = new Map<string, string | undefined>()
  let verdict: string | undefined
  for (const line of readFileSync(path.join(shipped, 'samples', file), 'utf8').split('\n')) {
    if (/^# (?:none$|failure )/.test(line)) verdict = line.slice(2)
    else if (line !== '' && !line.startsWith('#')) {
      assert.ok(verdict !== undefined, `${file}: no verdict before: ${line}`)
      assert.ok(!expected.has(line), `${file}: twice: ${line}`)
      expected.set(line, verdict === 'none' ? undefined : verdict.slice('failure '.length))
      verdict = undefined
    }
  }
  return { file, filter, mode, expected }
}

function jailOf(file: string): string {
  return `sample-${file.replace(/\.log$/, '').replace('.', '-')}`
}

function failuresOf(expected: Sample['expected']): string[] {
  return [...expected].flatMap(([line, id]) => (id === undefined ? [] : `${id} | ${line}`))
}

/** It skips empty lines and those that begin with `#`, as our annotations do. */
async function askPeer(file: string, filter: string, mode: string): Promise<string[]> {
  const log = path.join(shipped, 'samples', file)
  const argv = ['fail2ban-regex', '-c', shipped, '-o', '<fid> | <msg>', log, `${filter}[mode=${mode}]`]
  const run = await runChild(argv, { timeoutMs: 20_000 })
  assert.equal(run.exitCode, 0, run.stdout + run.stderr)
  return run.stdout.split('\n').filter((line) => line !== '')
}
