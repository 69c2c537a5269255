import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { before, describe, it } from 'node:test'
import fc from 'fast-check'
import { runChild } from '../lib/child.js'
import { type PyValue, pretty, repr } from '../lib/python-repr.js'
import { ConfigError } from './config-error.js'
import { parseIni } from './ini.js'
import { MergedIni } from './merged-ini.js'
import { pathsMatching } from './path-glob.js'
import { shellWords } from './shell-words.js'

/** Random texts, read by us and by Python's own library. A failure prints the text; the seed changes with every run. */
const seed = Math.trunc(Number(process.env.SEED ?? process.hrtime()[1]))
const samples = <T>(arbitrary: fc.Arbitrary<T>, numRuns: number) => fc.sample(arbitrary, { seed, numRuns })

describe(`Python's reading and ours (SEED=${seed})`, () => {
  let noPython: string | undefined
  before(async () => {
    const { exitCode } = await runChild(['python3', '-c', 'import configparser, shlex, pprint, glob'], {
      timeoutMs: 20_000,
    })
    if (exitCode !== 0) noPython = 'no python3'
  })

  it('agree on the sections and options of any text', async (t) => {
    if (noPython) return t.skip(noPython)
    const texts = samples(iniText, 1500)
    const theirs = await python<{ sections?: Sections; error?: string }>(readInis, texts)
    texts.forEach((text, at) => {
      const { ini, errors } = parseIni(text, 'f')
      const ours = errors[0] ? { error: errors[0].peerText } : { sections: plain(ini) }
      assert.deepEqual(ours, theirs[at], JSON.stringify(text))
    })
  })

  it('agree on the value or the error of any interpolation', async (t) => {
    if (noPython) return t.skip(noPython)
    const texts = samples(interpolatedText, 1500)
    const theirs = await python<Record<string, string>>(interpolateAll, texts)
    texts.forEach((text, at) => {
      const ini = new MergedIni()
      ini.add(parseIni(text, 'f').ini)
      const names = [...(ini.sections.get('s')?.keys() ?? []), ...ini.defaults.keys()]
      const ours = Object.fromEntries(names.map((name) => [name, valueOrError(ini, name)]))
      assert.deepEqual(ours, theirs[at], JSON.stringify(text))
    })
  })

  it('agree on how any value is printed, on one line and on many', async (t) => {
    if (noPython) return t.skip(noPython)
    const values = samples(command, 400)
    const theirs = await python<[string, string]>(printAll, values)
    values.forEach((value, at) => {
      assert.deepEqual([repr(value), pretty(value)], theirs[at])
    })
  })

  it('agree on the words of a line', async (t) => {
    if (noPython) return t.skip(noPython)
    const lines = samples(fc.string({ unit: fc.constantFrom(...'ab \t"\'\\=$+') }), 1500)
    const theirs = await python<string[] | null>('shlex.split', lines, 'value_error_is_none')
    lines.forEach((line, at) => {
      assert.deepEqual(shellWords(line) ?? null, theirs[at], JSON.stringify(line))
    })
  })

  it('agree on the paths that match a pattern', async (t) => {
    if (noPython) return t.skip(noPython)
    const dir = mkdtempSync(path.join(tmpdir(), 'glob-'))
    t.after(() => rmSync(dir, { recursive: true }))
    for (const name of ['a', 'b', 'ab', 'a.b', '.a', '[a]', 'a-b', 'é', 'a]', '!a', '^a']) {
      mkdirSync(path.join(dir, name))
      for (const file of ['a', '.b', '-', 'b*', '\\a', ']']) writeFileSync(path.join(dir, name, file), '')
    }
    symlinkSync('nowhere', path.join(dir, 'a', 'ba'))
    const part = fc.string({ unit: fc.constantFrom(...'ab*?[]!-.^\\é'), minLength: 1, maxLength: 6 })
    const patterns = samples(fc.array(part, { minLength: 1, maxLength: 2 }), 1500).map((parts) =>
      path.join(dir, ...parts),
    )
    const theirs = await python<string[]>('lambda p: sorted(glob.glob(p))', patterns)
    patterns.forEach((pattern, at) => {
      assert.deepEqual(pathsMatching(pattern).sort(), [...(theirs[at] ?? [])].sort(), pattern)
    })
  })
})

type Sections = Record<string, Record<string, string>>

/** Lines that mean something, glued together in any order. */
const words = fc.constantFrom(
  'a',
  'B',
  'a b',
  'x',
  '%',
  ';',
  '#',
  ' ;c',
  '\t; c',
  '=',
  ':',
  '[',
  ']',
  'é',
  '\u00a0',
  '\x0b',
  '\x1d',
  '\ufeff',
  '\u2028',
  "'",
  '\\',
)
const indent = fc.constantFrom('', '', '', ' ', '  ', '\t')
const anyLine = fc.tuple(indent, fc.array(words, { maxLength: 5 })).map(([blank, parts]) => blank + parts.join(''))
const name = fc.constantFrom('a', 'A', 'b', 'c d', 'e')
const option = fc
  .tuple(indent, name, fc.constantFrom('=', ' = ', ':', ' :'), fc.array(words, { maxLength: 4 }))
  .map(([blank, key, delimiter, parts]) => blank + key + delimiter + parts.join(''))
const header = fc
  .tuple(indent, fc.constantFrom('[s]', '[t]', '[DEFAULT]', '[s] x', '[]', '[[u]]', '[v ; w]'))
  .map((parts) => parts.join(''))
const lineEnd = fc.constantFrom('\n', '\n', '\n', '\r\n', '\r')
const line = fc.oneof(
  { weight: 3, arbitrary: option },
  { weight: 2, arbitrary: anyLine },
  { weight: 1, arbitrary: header },
)
const iniText = fc
  .tuple(
    fc.constantFrom('[s]\n', '[s]\n', '[DEFAULT]\n', ''),
    fc.array(fc.tuple(line, lineEnd), { maxLength: 8 }),
    fc.boolean(),
  )
  .map(([first, lines, ends]) => first + lines.map((parts) => parts.join('')).join('') + (ends ? '' : 'z = end'))

const piece = fc.constantFrom(
  '%(a)s',
  '%(b)s',
  '%(C)s',
  '%(d)s',
  '%(gone)s',
  '%%',
  '%',
  '%(',
  'x',
  ' ',
  's',
  '%()s',
  '\n ',
)
const value = fc.array(piece, { maxLength: 4 }).map((parts) => parts.join(''))
const interpolatedText = fc
  .tuple(fc.array(value, { minLength: 4, maxLength: 4 }), fc.array(value, { minLength: 4, maxLength: 4 }))
  .map(([own, common]) => {
    const lines = (values: string[]) => values.map((text, at) => `${'abcd'[at]} = ${text}`).join('\n')
    return `[s]\n${lines(own.slice(0, 2))}\n[DEFAULT]\n${lines(common)}\n`
  })

const text = fc.oneof(
  // Where Python and Node know the same characters: newer ones are printable for the younger of the two only.
  fc.string({
    unit: fc
      .oneof(
        fc.integer({ min: 0, max: 0x5ff }),
        fc.integer({ min: 0x2000, max: 0x206f }),
        fc.integer({ min: 0x1f300, max: 0x1f5ff }),
      )
      .map((code) => String.fromCodePoint(code)),
  }),
  fc.string({ unit: fc.constantFrom(...'ab \n\r\t\'"\\\x00\x1c\x85\u2028é🔔') }),
  fc
    .array(fc.constantFrom('word ', 'w'.repeat(40), '\n', ' ', "it's", '"', '\r\n', '\x0b'), { maxLength: 400 })
    .map((parts) => parts.join('')),
)
const scalar = fc.oneof({ weight: 6, arbitrary: text }, fc.integer(), fc.boolean(), fc.constant(null))
const pair = fc.tuple(text, scalar)
const command: fc.Arbitrary<PyValue> = fc.array(
  fc.oneof(scalar, fc.array(pair, { maxLength: 6 }), fc.array(text, { maxLength: 12 })),
  { maxLength: 6 },
)

function plain(ini: {
  defaults: ReadonlyMap<string, { text: string }>
  sections: ReadonlyMap<string, ReadonlyMap<string, { text: string }>>
}): Sections {
  const values = (section: ReadonlyMap<string, { text: string }>) =>
    Object.fromEntries([...section].map(([key, { text }]) => [key, text]))
  return Object.fromEntries([
    ['DEFAULT', values(ini.defaults)],
    ...[...ini.sections].map(([key, section]) => [key, values(section)]),
  ])
}

function valueOrError(ini: MergedIni, option: string): string {
  try {
    return `= ${ini.get('s', option)?.text}`
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return `! ${error.peerText}`
  }
}

const prelude = `
import configparser, glob, io, json, pprint, shlex, sys
def guarded(function):
    def call(text):
        try: return function(text)
        except ValueError: return None
    return call
def parser(interpolation):
    return configparser.ConfigParser(interpolation=interpolation, inline_comment_prefixes=';')
def read_one(text):
    p = parser(None)
    try: p.read_file(io.TextIOWrapper(io.BytesIO(text.encode()), 'utf-8'), 'f')
    except configparser.Error as e: return {'error': str(e)}
    return {'sections': {'DEFAULT': dict(p._defaults), **{s: dict(o) for s, o in p._sections.items()}}}
def interpolate_one(text):
    p = parser(configparser.BasicInterpolation())
    p.read_string(text, 'f')
    found = {}
    for o in p.options('s'):
        try: found[o] = '= ' + p.get('s', o)
        except configparser.Error as e: found[o] = '! ' + str(e)
    return found
def print_one(value):
    return [repr(value), pprint.pformat(value, width=1000, indent=2)]
`
const readInis = 'read_one'
const interpolateAll = 'interpolate_one'
const printAll = 'print_one'

async function python<T>(expression: string, inputs: readonly unknown[], wrap?: 'value_error_is_none'): Promise<T[]> {
  const call = wrap ? `guarded(${expression})` : expression
  const program = `${prelude}\nanswer = ${call}\nprint(json.dumps([answer(i) for i in json.loads(sys.stdin.read())]))`
  const { stdout, stderr, exitCode } = await runChild(['python3', '-c', program], {
    stdin: JSON.stringify(inputs),
    timeoutMs: 60_000,
    outputBytesMax: 256 << 20,
    env: { ...process.env, PYTHONUTF8: '1' },
  })
  assert.equal(exitCode, 0, stderr)
  return JSON.parse(stdout)
}
