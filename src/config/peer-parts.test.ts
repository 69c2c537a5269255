import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import fc from 'fast-check'
import { runChild } from '../lib/child.js'
import { strip } from '../lib/python-text.js'
import { ConfigError } from './config-error.js'
import { parseDurationMs } from './duration.js'
import { parseOptionList, splitWithOptions } from './option-list.js'
import { substituteTags } from './tags.js'
import { type Traced, traced } from './traced.js'

/** Random texts, taken apart by us and by an installed Fail2ban. The seed changes with every run. */
const seed = Math.trunc(Number(process.env.SEED ?? process.hrtime()[1]))
const samples = <T>(arbitrary: fc.Arbitrary<T>, numRuns: number) => fc.sample(arbitrary, { seed, numRuns })

describe(`Fail2ban's reading and ours (SEED=${seed})`, () => {
  let noPeer: string | undefined
  before(async () => {
    const { exitCode } = await runChild(['python3', '-c', prelude], { timeoutMs: 20_000 })
    if (exitCode !== 0) noPeer = 'no Fail2ban for python3'
  })

  it('agree on names and options in brackets', async (t) => {
    if (noPeer) return t.skip(noPeer)
    const texts = samples(optionText, 3000)
    const theirs = await ask<{ name?: string; options?: [string, string][]; wrong?: string }>('options_of', texts)
    texts.forEach((text, at) => {
      const list = parseOptionList(text)
      const ours = 'wrong' in list ? list : { name: list.name, options: [...list.options] }
      assert.deepEqual(ours, theirs[at], JSON.stringify(text))
    })
  })

  it('agree on the items of a list', async (t) => {
    if (noPeer) return t.skip(noPeer)
    const texts = samples(fc.array(fc.oneof(optionText, fc.constantFrom(' ', '\n', '  ')), { maxLength: 4 }), 3000)
    const lists = texts.map((parts) => parts.join(''))
    const theirs = await ask<{ items: string[]; right: boolean }>('items_of', lists)
    lists.forEach((list, at) => {
      const items = splitWithOptions(list).map((item) => strip(item.text))
      const expected = theirs[at]
      // A list with an error in it may be cut elsewhere: it stays an error.
      if (expected?.right) assert.deepEqual(items, expected.items, JSON.stringify(list))
      else
        assert(
          items.some((item) => 'wrong' in parseOptionList(item)),
          JSON.stringify(list),
        )
    })
  })

  it('agree on times', async (t) => {
    if (noPeer) return t.skip(noPeer)
    const unit = fc.constantFrom(...'s sec m mi min h hour d days w we week mo mon months y yea X'.split(' '))
    const part = fc.oneof(fc.nat(99).map(String), unit, fc.constantFrom(' ', '+', '-', '*', '.', '(', ')', '/', '\n'))
    const expressions = samples(fc.array(part, { maxLength: 6 }), 3000).map((parts) => strip(parts.join('')))
    // Inside parentheses Python lets a line end pass.
    const texts = expressions.filter((text) => !(text.includes('(') && text.includes('\n')))
    const theirs = await ask<number | null>('seconds_of', texts)
    texts.forEach((text, at) => {
      const ms = parseDurationMs(text)
      const [ours, expected] = [ms === undefined ? null : ms / 1000, theirs[at] ?? null]
      // Python's integers have no end; ours do.
      if (text.includes('**') && ours === null) return
      assert(isSame(ours, expected), `${JSON.stringify(text)}: ${ours}, not ${expected}`)
    })
  })

  it('refuses tags that grow without end', () => {
    const doubled = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`v${i + 1}`, `<v${i}><v${i}>`]))
    assert.equal(substituted({ v0: 'text', ...doubled }), tooMuch)
    // At once, which is more than a string can hold.
    const long = 'text'.repeat(200_000)
    assert.equal(substituted({ long, all: '<long>'.repeat(100_000) }), tooMuch)
    // None of them too long, all of them together.
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`v${i}`, '<long>']))
    assert.equal(substituted({ long, ...many }), tooMuch)
  })

  it('agree on tags', async (t) => {
    if (noPeer) return t.skip(noPeer)
    const texts = samples(tagTable, 1500)
    const theirs = await ask<Record<string, string> | string | null>('substituted', texts)
    texts.forEach((values, at) => {
      const ours = substituted(values)
      // Tags in tags in tags may grow without end: we refuse them, and Fail2ban is given half a second, and texts up to a bound.
      if (theirs[at] === null) assert(ours === tooMuch || lengthOf(ours) > textLengthMax, JSON.stringify(values))
      else assert.deepEqual(ours, theirs[at], JSON.stringify(values))
    })
  })
})

function isSame(a: number | null, b: number | null): boolean {
  return a === b || (a !== null && b !== null && Math.abs(a - b) <= 1e-9 * Math.abs(b))
}

const optionText = fc
  .tuple(
    fc.constantFrom('act', 'a.b', 'a b', ''),
    fc.array(
      fc.constantFrom(
        '[',
        ']',
        ',',
        '=',
        '"',
        "'",
        ' ',
        '\n',
        'x=1',
        'y="q,]"',
        "z='a b'",
        'n=[',
        '][',
        ', ',
        'k=',
        '"]',
      ),
      { maxLength: 7 },
    ),
    fc.constantFrom('', ']', '[a=1]', '[a="x y", b=2]', '[a=1][b=2]\n'),
  )
  .map(([name, middle, end]) => name + middle.join('') + end)

/** Each tag once in a value: circles of two would double it 25 times, and the peer has no bound. */
const tagText = (...tags: string[]) =>
  fc
    .uniqueArray(fc.constantFrom(...tags, '<b>', '<HOST>', '<', '>', '<a', ' ', '\n', '<<b>>', '<a b>', '<>'), {
      maxLength: 4,
    })
    .map((parts) => parts.join(''))
const tagTable = fc.record({
  a: tagText('<c>', '<x-<c>>', '<l:ist>', '<<c>'),
  b: tagText('<a>', '<c>'),
  c: fc.constantFrom('a', 'a', 'b', 'd', 'd', '<a>', '<up>', '<c>', '<l:ist>', 'l:ist'),
  'x-a': tagText('<up>', '<<c>>', '<x-d>'),
  'x-d': tagText('<l:ist>', '<HOSTS>'),
  HOSTS: fc.constantFrom('', 'x', '<x-a>', '<a>'),
})

/** Of what Fail2ban may make of a table: characters together. */
const textLengthMax = 1 << 16
const tooMuch = 'too much'

function lengthOf(result: Record<string, string> | string): number {
  return (typeof result === 'string' ? result : Object.values(result).join('')).length
}

/** The same stand-ins as in the program below: one tag is kept, two are found elsewhere. */
function substituted(values: Record<string, string>): Record<string, string> | string {
  const origin = { file: 'f', line: 1 }
  const elsewhere = new Map<string, Traced>([
    ['up', traced('<c>!', origin)],
    ['l:ist', traced('found', origin)],
  ])
  const tags = new Map(Object.entries(values).map(([name, value]) => [name, traced(value, origin)]))
  try {
    const result = substituteTags(tags, { keep: new Set(['b']), lookUp: (tag) => elsewhere.get(tag) })
    return Object.fromEntries([...result].map(([name, value]) => [name, value.text]))
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return /^<[^>]+> in "\w[\w-]*" grows without end$/.test(error.message) ? tooMuch : error.peerText
  }
}

const prelude = `
import json, resource, signal, sys
sys.path.append('/usr/lib/python3/dist-packages')
from fail2ban.helpers import extractOptions, splitWithOptions, substituteRecursiveTags
from fail2ban.server.mytime import MyTime
class TooMuch(Exception): pass
def too_much(*_): raise TooMuch()
signal.signal(signal.SIGVTALRM, too_much)
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
def within_bounds(task):
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.5)
    try: return task()
    finally: signal.setitimer(signal.ITIMER_VIRTUAL, 0)
def options_of(text):
    try: name, options = extractOptions(text)
    except ValueError as e: return {'wrong': str(e)}
    return {'name': name, 'options': list(options.items())}
def items_of(text):
    items = [i.strip() for i in splitWithOptions(text)]
    return {'items': items, 'right': all('wrong' not in options_of(i) for i in items)}
def seconds_of(text):
    try: value = within_bounds(lambda: MyTime.str2seconds(text))
    except Exception: return None
    if isinstance(value, int) and value.bit_length() > 1023: return None
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
def substituted(values):
    elsewhere = {'up': '<c>!', 'l:ist': 'found'}
    try: result = within_bounds(lambda: substituteRecursiveTags(values, ignore=('b',), addrepl=elsewhere.get))
    except ValueError as e: result = str(e)
    except (TooMuch, MemoryError): return None
    text = result if isinstance(result, str) else ''.join(result.values())
    return result if len(text) <= ${textLengthMax} else None
`

async function ask<T>(call: string, inputs: readonly unknown[]): Promise<T[]> {
  const program = `${prelude}\nprint(json.dumps([${call}(i) for i in json.loads(sys.stdin.read())]))`
  const { stdout, stderr, exitCode } = await runChild(['python3', '-W', 'ignore', '-c', program], {
    stdin: JSON.stringify(inputs),
    timeoutMs: 60_000,
    outputBytesMax: 64 << 20,
    env: { ...process.env, PYTHONUTF8: '1' },
  })
  assert.equal(exitCode, 0, stderr)
  return JSON.parse(stdout)
}
