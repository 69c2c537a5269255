import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import fc from 'fast-check'
import { loadConfig } from '../src/config/load.js'
import { checkConfig } from '../src/daemon/check.js'
import { silentLog } from '../src/lib/log.js'
import { type CompiledFilter, compileFilter } from '../src/match/filter.js'
import { LineMatcher } from '../src/match/line-matcher.js'
import { type Attack, cutAttacks, insert, readSamples, simpleAttacks } from './kit/hostile-lines.js'
import { claims, oddTexts, type Server, servers, takeApart, victims } from './kit/hostile-texts.js'
import { copyConfiguration, stockDir } from './kit/stock-configuration.js'

// Whatever an attacker writes into a line, nobody but he himself is found in it. The lines are those of config/samples.
const shipped = path.resolve(import.meta.dirname, '../config')
const nowMs = new Date(2026, 10, 21, 4).getTime()
const scratch = mkdtempSync(path.join(tmpdir(), 'tocsin-injection-'))
after(() => rmSync(scratch, { recursive: true }))

const sampleFiles = readdirSync(path.join(shipped, 'samples')).filter((file) => file.endsWith('.log'))
/** A line from which the peer's own address was cut off is hostile already and no model of a line. */
const isCut = (line: string) =>
  /sshd(?:-session)?\[\d+\]: (?!.*192\.0\.2\.)[CBI].* 203\.0\.113\.66 port 22(?: \[preauth\])?$/.test(line)
const samples = new Map(
  sampleFiles.map((file) => [
    file,
    readSamples(path.join(shipped, 'samples', file)).filter(({ line }) => !isCut(line)),
  ]),
)
/** Complete lines of all filters that would have the victim banned, were they lines of their own. */
const wholeLines = [...samples.values()].flatMap((list) =>
  list.flatMap(({ line, peer }) => (peer === undefined ? [] : [line.replaceAll(peer, victims[0])])),
)
const filters = compiledFilters(
  shipped,
  sampleFiles.map((file) => {
    const [filter = '', mode = 'normal'] = file.replace(/\.log$/, '').split('.')
    return { jail: file, filter, options: `[mode=${mode}]` }
  }),
)

describe('shipped filters', () => {
  it('are without a remark of the lint', () => {
    assert.deepEqual(checkConfig(shipped, { lints: true }).problems, [])
  })

  it('each have a table of what an attacker can write', () => {
    for (const [file] of samples) assert.ok(servers[serverOf(file)], file)
  })

  it('have a sample line for each row of that table', () => {
    for (const [name, { fields }] of Object.entries(servers)) {
      const lines = [...samples].flatMap(([file, list]) =>
        serverOf(file) === name ? list.map(({ line }) => line) : [],
      )
      const unused = fields.filter((field) => !lines.some((line) => takeApart(line, field)))
      assert.deepEqual(unused, [], name)
    }
  })
})

for (const [file, list] of samples) {
  const server = servers[serverOf(file)]
  const filter = filters.get(file)
  if (server === undefined || filter === undefined) continue
  describe(`hostile lines made from ${file}`, () => {
    it('name nobody but the peer, whatever a field holds', () => {
      check(
        filter,
        list.flatMap((sample) => server.fields.flatMap((field) => simpleAttacks(sample, field, wholeLines))),
      )
    })

    // What nothing cuts cannot be cut.
    if (server.limits.length === 0) return
    it('name nobody but the peer where the line is cut', () => {
      check(
        filter,
        list.flatMap((sample) => server.fields.flatMap((field) => cutAttacks(sample, field, server))),
      )
    })

    it('name nobody but the peer in any combination', () => {
      const spots = list.flatMap((sample) =>
        server.fields.filter((field) => takeApart(sample.line, field)).map((field) => ({ sample, field })),
      )
      const pieces = [...claims(victims[0]), ...oddTexts, ...wholeLines]
      const text = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ unit: 'binary', maxLength: 12 })), {
        maxLength: 6,
      })
      const attack = fc
        .record({ spot: fc.constantFrom(...spots), text })
        .map(({ spot, text: parts }) => insert(spot.sample, spot.field, parts.join('')))
      fc.assert(
        fc.property(fc.array(attack, { minLength: 20, maxLength: 20 }), (attacks) =>
          check(
            filter,
            attacks.flatMap((one) => one ?? []),
          ),
        ),
        { seed: 66, numRuns: 100 },
      )
    })
  })
}

describe('this test', () => {
  const careless = (value: string): CompiledFilter => {
    const failregex = [{ value, origin: { file: 'careless.conf', line: 1 } }]
    const compiled = compileFilter(
      { name: 'careless', failregex, ignoreregex: [], datepattern: [], maxlines: 1, usedns: 'no' },
      { nowMs },
    )
    assert.ok('filter' in compiled)
    return compiled.filter
  }
  const sample = {
    line: 'Nov 21 03:12:00 web1 sshd[1221]: Invalid user deploy from 192.0.2.21 port 40021',
    peer: '192.0.2.21',
  }
  const attacksOn = ({ fields, limits }: Server, filter: CompiledFilter) => ({
    simple:
      successes(
        filter,
        fields.flatMap((field) => simpleAttacks(sample, field, wholeLines)),
      ).length > 0,
    cut:
      successes(
        filter,
        fields.flatMap((field) => cutAttacks(sample, field, { fields, limits })),
      ).length > 0,
  })

  it('sees a pattern that is not greedy, one without an end, and one that a cut deceives', () => {
    const { sshd } = servers
    assert.ok(sshd)
    const outcomes = [
      'Invalid user .*? from <ADDR>',
      'user [^ ]* from <ADDR>',
      '^ web1 sshd\\S+ Invalid user .* from <ADDR>(?: port \\d+)?$',
    ]
    assert.deepEqual(
      outcomes.map((pattern) => attacksOn(sshd, careless(pattern)).simple),
      [true, true, false],
    )
    const busyBox = careless('^ alpine auth.info sshd-\\S+ Invalid user .* from <ADDR>(?: port \\d+)?$')
    assert.deepEqual(attacksOn(sshd, busyBox), { simple: false, cut: true })
  })
})

describe('DenyHosts’ line (CVE-2006-6301)', () => {
  it('names the peer, not who stands in the user name', () => {
    const line =
      'Nov 21 03:10:00 web1 sshd[1201]: Invalid user Invalid user root from 123.123.123.123 from 192.0.2.1 port 40001'
    for (const file of ['sshd.log', 'sshd.pam.log', 'sshd.aggressive.log']) {
      const filter = filters.get(file)
      assert.ok(filter)
      assert.deepEqual(idsIn(filter, line), ['192.0.2.1'])
    }
  })
})

const peer = '/usr/lib/python3/dist-packages/fail2ban/tests/files/logs'
const noPeer = [peer, `${stockDir}/filter.d`].find((dir) => !existsSync(dir))
describe('filters of the installed Fail2ban, for information', { skip: noPeer ? `no ${noPeer}` : false }, () => {
  it('are attacked in their own user names and quoted texts', (t) => {
    const names = readdirSync(peer).filter((name) => existsSync(`${stockDir}/filter.d/${name}.conf`))
    const compiled = compiledFilters(
      stockDir,
      names.map((name) => ({ jail: name, filter: name, options: '' })),
    )
    const fooled = [...compiled].filter(([name, filter]) => isFooled(filter, path.join(peer, name)))
    t.diagnostic(`${fooled.length} of ${compiled.size} name the victim: ${fooled.map(([name]) => name).join(', ')}`)
  })
})

function serverOf(file: string): string {
  return file.split('.')[0] ?? ''
}

interface Wanted {
  jail: string
  filter: string
  options: string
}

/** Each filter as a jail of its own in a copy of the configuration has it. */
function compiledFilters(dir: string, wanted: readonly Wanted[]): Map<string, CompiledFilter> {
  const copy = mkdtempSync(path.join(scratch, 'config-'))
  copyConfiguration(dir, copy)
  mkdirSync(path.join(copy, 'jail.d'), { recursive: true })
  writeFileSync(path.join(copy, 'some.log'), '')
  const jails = wanted.map(
    ({ jail, filter, options }) =>
      `[at-${jail}]\nenabled = true\nbackend = polling\nfilter = ${filter}${options}\nlogpath = ${copy}/some.log\n`,
  )
  writeFileSync(path.join(copy, 'jail.local'), jails.join('\n'))
  const { config } = loadConfig({ dir: copy })
  assert.ok(config)
  const compiled = config.jails.flatMap((jail): [string, CompiledFilter][] => {
    const result = compileFilter(jail.filter, { nowMs })
    return jail.name.startsWith('at-') && 'filter' in result ? [[jail.name.slice(3), result.filter]] : []
  })
  return new Map(compiled)
}

/** Nobody but the peer may be found; of a line in which nobody was found, nobody whose address is not in it without the attacker's text. */
function check(filter: CompiledFilter, attacks: readonly Attack[]): void {
  const wrong = successes(filter, attacks)
  const first = wrong.slice(0, 5).map(({ hostile, line }) => ({ hostile: hostile.slice(0, 600), line }))
  assert.equal(wrong.length, 0, `${wrong.length} of ${attacks.length}, first ${JSON.stringify(first, undefined, 1)}`)
}

function successes(filter: CompiledFilter, attacks: readonly Attack[]): Attack[] {
  return attacks.filter(({ hostile, line, peer: expected }) =>
    idsIn(filter, hostile).some((id) =>
      expected === undefined ? !line.includes(id) || victims.some((one) => one === id) : id !== expected,
    ),
  )
}

const matchers = new WeakMap<CompiledFilter, LineMatcher>()

function idsIn(filter: CompiledFilter, text: string): string[] {
  const matcher = matchers.get(filter) ?? new LineMatcher(filter, { jail: 'x', findTimeMs: 600_000, log: silentLog })
  matchers.set(filter, matcher)
  const ids: string[] = []
  matcher.scan(`${text}\n`, { nowMs, live: true }, ({ id }) => ids.push(id))
  return ids
}

/** Whether the victim is found where an attacker's text replaces a user name or a quoted text of one of these lines. */
function isFooled(filter: CompiledFilter, file: string): boolean {
  const lines = readFileSync(file, 'latin1')
    .split('\n')
    .filter((line) => !line.startsWith('#') && !line.includes(victims[0]))
  return lines.slice(0, 60).some((line) => {
    const fields = [
      /user[= ]<?"?(?<it>[^\s"'<>]+)/i,
      /"(?<it>[^"]+)"/,
      /'(?<it>[^']+)'/,
      /\buser(?:name)?[= ](?<it>\S+) from /i,
    ]
    return fields.some((at) => {
      const parts = takeApart(line, { name: '', at, charactersMax: 1000, write: (text) => text })
      if (parts === undefined) return false
      const texts = [...claims(victims[0]), ...wholeLines].map((text) => text.replace(/["\n]/g, ''))
      return texts.some((text) => idsIn(filter, parts.head + text + parts.tail).includes(victims[0]))
    })
  })
}
