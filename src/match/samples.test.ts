// Runs the annotated sample logs of an installed Fail2ban through our engine (their format: spec section 12). Nothing of them is kept here: they are read
// where the package has them, and the filters are expanded by the package's own reader.
// Another version's samples: node --import tsx src/match/samples.test.ts DIR, where DIR has tests/files/logs and config/filter.d.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { parseIp } from '../domain/address.js'
import type { Failure } from '../domain/failure.js'
import { silentLog } from '../lib/log.js'
import { isAscii } from './dialect/pattern.js'
import { LineExplainer } from './explain.js'
import { type CompiledFilter, compileFilter } from './filter.js'
import type { FilterSpec } from './filter-spec.js'
import type { Finding } from './finding.js'
import { LineMatcher } from './line-matcher.js'
import { Survey } from './survey.js'

// The zone and the clock of the annotations.
process.env.TZ = 'Europe/Zurich'
const nowMs = 1124013600_000

// Debian's own, which sees Debian's packages.
const python = '/usr/bin/python3'
const given = process.argv[2]
const installed = '/usr/lib/python3/dist-packages/fail2ban/tests/files/logs'
const logs = given === undefined ? installed : path.join(given, 'tests/files/logs')
const config = given === undefined ? '/etc/fail2ban' : path.join(given, 'config')
const skip = !existsSync(logs)
  ? `no sample logs in ${logs}`
  : spawnSync(python, ['-c', 'import fail2ban']).status !== 0
    ? "python3 with Fail2ban's package, which expands the filters, is not installed"
    : false

type Options = Record<string, string>
type Expected = Record<string, unknown> & { match?: boolean; constraint?: string; time?: string }

interface Sample {
  text: string
  expected: Expected
  variants: readonly Options[]
  at: string
}

const filterName = (file: string): string[] =>
  /common\.conf$/.test(file) || !file.endsWith('.conf') ? [] : [file.slice(0, -5)]

const plainOptions = (options: Options): Options =>
  Object.fromEntries(Object.entries(options).filter(([key]) => !key.startsWith('test.')))

const keyOf = (name: string, options: Options): string => `${name} ${JSON.stringify(plainOptions(options))}`

function checkFilter(name: string, samples: readonly Sample[], specs: ReadonlyMap<string, FilterSpec>): void {
  const explainers = new Map<string, { explainer: LineExplainer; filter: CompiledFilter; used: Set<string> }>()
  const problems: string[] = []
  for (const sample of samples) {
    for (const options of sample.variants) {
      if (!holds(sample.expected.constraint, name, options)) continue
      const key = options['test.filter-name'] ?? keyOf(name, options)
      const known = explainers.get(key) ?? start(specs.get(keyOf(name, options)))
      explainers.set(key, known)
      const isJournal = options.logtype === 'journal'
      const text = isJournal ? (options['test.prefix-line'] ?? '') + sample.text : sample.text
      const { findings } = known.explainer.explain(text, isJournal ? { nowMs, timeMs: nowMs } : { nowMs })
      for (const { pattern } of findings) known.used.add(pattern.pattern.source)
      const problem = compare(
        sample.expected,
        findings.filter(({ id, isNofail }) => id !== undefined && !isNofail),
      )
      if (problem !== undefined) problems.push(`${sample.at} ${JSON.stringify(options)}: ${problem}\n    ${text}`)
    }
  }
  const used = new Set([...explainers.values()].flatMap((known) => [...known.used]))
  for (const { filter } of explainers.values()) {
    for (const { pattern } of filter.fail)
      if (!used.has(pattern.source)) problems.push(`never matched: ${pattern.source}`)
  }
  assert.deepEqual(problems, [])
}

function start(spec: FilterSpec | undefined) {
  assert.ok(spec, 'the filter cannot be read')
  const compiled = compileFilter({ ...spec, usedns: 'raw' }, { nowMs: Date.now() })
  assert.ok('filter' in compiled, JSON.stringify(compiled))
  const { filter } = compiled
  return { filter, explainer: new LineExplainer(filter, { triesAll: true }), used: new Set<string>() }
}

function compare(expected: Expected, findings: readonly Finding[]): string | undefined {
  const [finding] = findings
  if (finding === undefined) return expected.match === true ? 'no match' : undefined
  if (expected.match !== true) return `matched ${finding.pattern.pattern.source}`
  if (findings.length > 1) return `matched by ${findings.length} patterns`
  for (const [key, value] of Object.entries(expected)) {
    if (['time', 'match', 'desc', 'constraint'].includes(key)) continue
    const found = fieldOf(finding, key)
    if (JSON.stringify(found) !== JSON.stringify(Array.isArray(value) ? value.toSorted() : canonical(value))) {
      return `${key} is ${JSON.stringify(found)} instead of ${JSON.stringify(value)}`
    }
  }
  const timeMs = expected.time === undefined ? finding.timeMs : localTime(expected.time)
  return finding.timeMs === timeMs ? undefined : `time is ${finding.timeMs} instead of ${timeMs}`
}

/** `2005-03-7T02:09:33.5` in local time; some annotations have one digit where two should be. */
function localTime(text: string): number {
  const [year = 0, month = 1, day = 1, hour, minute, second, fraction] = text.split(/\D/).map(Number)
  const millis = fraction === undefined ? 0 : Number(`0.${text.split('.')[1]}`) * 1000
  return new Date(year, month - 1, day, hour, minute, second, millis).getTime()
}

function fieldOf(finding: Finding, key: string): unknown {
  if (key === 'users') return [...(finding.users ?? [])].toSorted()
  if (key === 'attempts') return finding.lines.length
  const text = finding.fields[key] ?? (key === 'host' ? finding.id : undefined)
  return canonical(text)
}

/** Addresses are equal when they mean the same; what is not there is null, as in JSON. */
const canonical = (value: unknown): unknown =>
  typeof value === 'string' ? (parseIp(value)?.text ?? value) : (value ?? null)

/** The few Python expressions that occur. */
function holds(expression: string | undefined, name: string, options: Options): boolean {
  if (expression === undefined) return true
  const isName = /^name\s*==\s*'([^']*)'$/.exec(expression)
  if (isName !== null) return name === isName[1]
  const mode = /^opts\.get\('(\w+)'\)\s*(==|!=)\s*'([^']*)'$/.exec(expression)
  assert.ok(mode, `an expression that this runner does not know: ${expression}`)
  return (options[mode[1] ?? ''] === mode[3]) === (mode[2] === '==')
}

function readSamples(name: string): Sample[] {
  const samples: Sample[] = []
  const files = [name]
  let common: Options = {}
  let variants: Options[] = [{}]
  let isOff = false
  for (let i = 0; i < files.length; i++) {
    isOff = false
    const lines = readFileSync(path.join(logs, files[i] ?? ''), 'utf8')
      .replace(/\n$/, '')
      .split(/\r?\n/)
    for (let n = 0; n < lines.length; n++) {
      const note = /^#+ ?(failJSON|(?:file|filter)Options|addFILE):(.+)$/.exec(lines[n] ?? '')
      const value = note === null ? undefined : JSON.parse(note[2] ?? '')
      if (note?.[1] === 'fileOptions') common = value
      else if (note?.[1] === 'addFILE') files.push(value)
      else if (note?.[1] === 'filterOptions') {
        const all: Options[] = (Array.isArray(value) ? value : [value]).map((options) => ({ ...common, ...options }))
        variants = all.filter((options) => holds(options['test.condition'], name, options))
        isOff = all.length > 0 && !holds(all.at(-1)?.['test.condition'], name, {})
      } else if (note?.[1] === 'failJSON') {
        n++
        if (!isOff) samples.push({ text: bare(lines[n]), expected: value, variants, at: `${files[i]}:${n + 1}` })
      } else if (!isOff && !/^#|^\s*$/.test(lines[n] ?? '')) {
        samples.push({ text: bare(lines[n]), expected: {}, variants, at: `${files[i]}:${n + 1}` })
      }
    }
  }
  return samples
}

const bare = (line: string | undefined): string => (line ?? '').replace(/[\r\n]+$/, '')

function expandFilters(samples: ReadonlyMap<string, readonly Sample[]>): Map<string, FilterSpec> {
  const wanted = new Map<string, readonly [string, Options]>()
  for (const [name, lines] of samples) {
    for (const options of lines.flatMap(({ variants }) => variants))
      wanted.set(keyOf(name, options), [name, plainOptions(options)])
  }
  const child = spawnSync(python, ['-c', expander, config], {
    input: JSON.stringify([...wanted]),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  assert.equal(child.status, 0, child.stderr)
  return new Map<string, FilterSpec>(JSON.parse(child.stdout))
}

/** Lets Fail2ban's own reader expand filters: (key, (name, options)) in, (key, FilterSpec) out. */
const expander = `
import json, sys, logging
from fail2ban.client.filterreader import FilterReader
def spec(name, options):
    reader = FilterReader(name, 'jail', options, basedir=sys.argv[1])
    reader.read(); reader.getOptions({})
    spec = dict(name=name, failregex=[], ignoreregex=[], datepattern=[], maxlines=1, usedns='warn')
    for command in reader.convert():
        for value in command[3] if command[0] == 'multi-set' else [command[3]]:
            what = dict(value=value, origin=dict(file=name, line=0))
            if command[2] == 'prefregex': spec['prefregex'] = what
            elif command[2] == 'addfailregex': spec['failregex'].append(what)
            elif command[2] == 'addignoreregex': spec['ignoreregex'].append(what)
            elif command[2] == 'maxlines': spec['maxlines'] = int(value)
            elif command[2] == 'datepattern':
                spec['datepattern'] = [dict(what, value=line.strip()) for line in value.split('\\n') if line.strip()]
    return spec
print(json.dumps([(key, spec(*wanted)) for key, wanted in json.load(sys.stdin)]))
`

function failuresOf(spec: FilterSpec, chunks: readonly string[], way: 'slow' | 'fast' | 'surveyed'): Failure[] {
  const compiled = compileFilter({ ...spec, usedns: 'raw' }, { nowMs: Date.now() })
  assert.ok('filter' in compiled)
  const matcher = new LineMatcher(compiled.filter, {
    jail: 'test',
    findTimeMs: nowMs,
    log: silentLog,
    isSlow: way === 'slow',
  })
  const survey = way === 'surveyed' ? new Survey([compiled.filter]) : undefined
  const failures: Failure[] = []
  for (const chunk of chunks) {
    const log = { text: chunk, bytes: isAscii(chunk) ? Buffer.from(chunk, 'latin1') : undefined }
    const context = { nowMs, live: false, candidates: survey?.look(log).candidates[0] }
    matcher.scan(log, context, (failure) => failures.push(failure))
  }
  return failures
}

describe('sample logs of the installed Fail2ban', { skip }, () => {
  const names = skip === false ? readdirSync(path.join(config, 'filter.d')).flatMap(filterName) : []
  const samples = new Map(
    names.filter((name) => existsSync(path.join(logs, name))).map((name) => [name, readSamples(name)]),
  )
  const specs = skip === false ? expandFilters(samples) : new Map<string, FilterSpec>()
  for (const [name, lines] of samples) {
    it(`${name}: every annotated line gives what is annotated`, () => checkFilter(name, lines, specs))
  }

  it('the fast way through a log finds what the slow way finds', () => {
    const others = [...samples.values()]
      .flat()
      .filter((_, i) => i % 5 === 0)
      .map(({ text }) => text.slice(16))
    for (const [key, spec] of specs) {
      const own = (samples.get(spec.name) ?? []).map(({ text }) => text)
      // Its own lines among those of all others, which begin as its own do: a source has dates of one kind.
      const mixed = others.flatMap((text, i) => [
        `${own[0]?.slice(0, 27)}${text}\n`,
        `${own[i % own.length]}\n`.repeat(i % 97 === 0 ? 1 : 0),
      ])
      const chunks = [mixed.join(''), [...own, 'a line without a date', ''].join('\n')]
      const slow = failuresOf(spec, chunks, 'slow')
      assert.deepEqual(failuresOf(spec, chunks, 'fast'), slow, key)
      assert.deepEqual(failuresOf(spec, chunks, 'surveyed'), slow, key)
    }
  })
})
