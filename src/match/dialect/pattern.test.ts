import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { SearchTooLong } from './machine.js'
import { isAscii, Pattern } from './pattern.js'
import { PatternError } from './syntax.js'

// Debian's own, whose version is the one that our dialect follows (3.11 knows possessive and atomic).
const python = '/usr/bin/python3'
const version = spawnSync(python, ['-c', 'import sys; print(sys.version_info >= (3, 11))'], { encoding: 'utf8' })
const skip = version.stdout?.trim() === 'True' ? false : 'no python3 of version 3.11 or later to compare with'

/** What a search gave: error text, nothing, or begin, whole match and groups. */
type Outcome = string | null | [begin: number, ...texts: (string | null)[]]

const oracle = `
import json, re, sys, warnings
warnings.simplefilter('ignore')
def outcome(pattern, flags, text):
    try:
        found = re.compile(pattern, flags).search(text)
    except re.error as error:
        return str(error)
    except (OverflowError, RecursionError) as error:
        return str(error)
    if not found: return None
    return [len(text[:found.start()].encode('utf-16-le')) // 2, found.group(), *found.groups()]
print(json.dumps([outcome(p, re.MULTILINE if m else 0, t) for p, m, t in json.load(sys.stdin)]))
`

type Case = readonly [pattern: string, multiline: boolean, text: string]

function askPython(cases: readonly Case[]): Outcome[] {
  const child = spawnSync(python, ['-c', oracle], {
    input: JSON.stringify(cases),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  assert.equal(child.status, 0, child.stderr)
  return JSON.parse(child.stdout)
}

/** Undefined: it takes our machine too long to say. */
function ours([source, multiline, text]: Case, way: 'v8' | 'machine' | 'unicode'): Outcome | undefined {
  try {
    const groups = [...source].filter((char) => char === '(').length
    const pattern = new Pattern(source, { multiline, keep: Array.from({ length: groups }, (_, i) => i + 1) })
    const match = way === 'machine' ? pattern.execSlow(text) : pattern.exec(text, way === 'v8' && isAscii(text))
    if (match === null) return null
    const texts = pattern.slotOfGroup.slice(1).map((slot) => match[slot] ?? null)
    return [match.index, match[0] ?? null, ...texts]
  } catch (error) {
    if (error instanceof PatternError) return error.message
    if (error instanceof SearchTooLong) return undefined
    throw error
  }
}

function compareAll(cases: readonly Case[]): void {
  const wrong: unknown[] = []
  for (const [i, expected] of askPython(cases).entries()) {
    const each = cases[i]
    if (each === undefined) continue
    for (const way of ['v8', 'machine', 'unicode'] as const) {
      const found = ours(each, way)
      if (found !== undefined && JSON.stringify(found) !== JSON.stringify(expected))
        wrong.push({ way, case: each, expected, found })
    }
  }
  assert.deepEqual(wrong.slice(0, 5), [], `${wrong.length} of ${cases.length} differ`)
}

const handWritten: readonly Case[] = [
  ...['a$', '^a', 'a\\Z', '\\Aa', 'a\\n', 'a$\\n', '$'].flatMap((pattern) =>
    ['a', 'a\n', 'a\n\n', 'b\na\n'].map((text): Case => [pattern, false, text]),
  ),
  ...['^b$', '^$', 'a$', '(?m)^b', '^'].flatMap((pattern) =>
    ['a\nb\n', 'b\r\n', '\n'].map((text): Case => [pattern, true, text]),
  ),
  ['a.b', false, 'a\rb'],
  ['a.b', false, 'a\nb'],
  ['(?s)a.b', false, 'a\nb'],
  ['(?s:a.)b.', false, 'a\nb\n'],
  ['[]a]+', false, ']a]'],
  ['[^]a]+', false, ']ab]'],
  ['[^[]+', false, '[ab['],
  ['[a-]+[-a]+[\\w-]+', false, 'a-a-x-'],
  ['a{,2}', false, 'aaa'],
  ['a{,}b', false, 'aab'],
  ['a{2,}?', false, 'aaaa'],
  ['a{x}{1', false, 'a{x}{1'],
  ['x{}', false, 'x{}'],
  ['(?P<q>["\'])x(?P=q)', false, '"x\''],
  ['(?P<q>["\'])?x(?P=q)', false, 'x'],
  ['(?P<q>["\'])?x(?P=q)|y', false, 'xy'],
  ['^(?P<c>a)?(?(c)b|d)e', false, 'de'],
  ['^(?P<c>a)?(?(c)b|d)e', false, 'abe'],
  ['^(?P<c>a)?(?(c)b|d)e', false, 'ade'],
  ['(a)?(?(1)b)', false, 'c'],
  ['(?(1)a|b)(c)', false, 'bc'],
  ['(?:(a)|b)*', false, 'abb'],
  ['(?:(a)|(b)|c)*d', false, 'abcd'],
  ['((a)|b)+', false, 'ab'],
  ['(a*)*', false, 'b'],
  ['(a*)+', false, 'b'],
  ['(a?)*?b', false, 'aab'],
  ['(?:|a)+b', false, 'aab'],
  ['(a|ab)(c|bcd)(d*)', false, 'abcd'],
  ['(?>a+)ab', false, 'aaab'],
  ['(?>a|ab)c', false, 'abc'],
  ['a++b', false, 'aab'],
  ['a?+a', false, 'a'],
  ['(?:a{1,2}+){2}', false, 'aaa'],
  ['(?i)straße', false, 'STRAßE'],
  ['(?i)k', false, '\u212a'],
  ['(?i)[a-z]+', false, 'aſK\u0130'],
  ['(?i:a)b', false, 'AB'],
  ['(?i:a)b', false, 'Ab'],
  ['(?i)(a)\\1', false, 'aA'],
  ['(?-i:a)', false, 'a'],
  ['(?i)a(?-i:b)', false, 'AB'],
  ['(?a)\\w+', false, 'aé'],
  ['(?a:\\w+)\\w', false, 'aé'],
  ['\\w+', false, 'é中_९'],
  ['\\d+', false, '९8'],
  ['\\bé\\b', false, 'a é b'],
  ['\\Bé', false, 'aé'],
  ['\\s+', false, 'a\u00a0\u2003\x1c\ufeff'],
  ['\\S', false, '\ufeff'],
  ['\\101\\x41\\u0041\\0', false, 'AAA\0'],
  ['(a)\\1', false, 'aa'],
  ['[\\b]', false, '\b'],
  ['[\\101-\\103]+', false, 'ABCD'],
  ['(?x) a b # note\n c', false, 'abc'],
  ['(?x: a b ) c', false, 'ab c'],
  ['a(?#note)b', false, 'ab'],
  ['(?<=ab)c', false, 'abc'],
  ['(?<!ab)c', false, 'abc'],
  ['(?<=(a)(b))c', false, 'abc'],
  ['(?<=^a)b', false, 'ab'],
  ['(a)(?=(b))', false, 'ab'],
  ['(?!(a)b)a', false, 'ac'],
  ['.', false, '😀'],
  ['^.$', false, '😀\n'],
  ['[😀-😂]+', false, '😀😁'],
  ['(?<=.)b', false, '😀b'],
  // Mistakes, each with Python's words and position.
  ...[
    'a(b',
    'a)b',
    '(?P<a',
    '(?P<a>',
    '(?P<>a)',
    '(?P<1a>b)',
    '(?P<a>x)(?P<a>y)',
    '(?P=b)',
    '(?P=)',
    '(?Px)',
    '(?x',
    '(?',
    '(?<a)',
    '(?z)',
    '(?i',
    'a(?i)b',
    '(?i-i:a)',
    '(?L)a',
    '(?au)a',
    '(?-a:b)',
    '(?i-:a)',
    '*a',
    'a**',
    'a+*',
    '^*',
    '\\b+',
    '(|*)',
    'a{2,1}',
    '[a',
    '[',
    '[]',
    '[^]',
    '[b-a]',
    '[\\w-a]',
    '[a-\\d]',
    '\\',
    'a\\',
    '\\q',
    '\\8',
    '\\1',
    '(a\\1)',
    '[\\8]',
    '[\\q]',
    '\\x1',
    '\\u12',
    '\\U00110000',
    '\\400',
    '(?(1)a)',
    '(?(b)a)',
    '(?(0)a)',
    '(?()a)',
    '(?(-1)a)',
    '(a)(?(1)b|c|d)',
    '(a)(?(1)b',
    '(?<=a+)b',
    '(?<=a|bc)d',
    '(?<=(a)\\1)b',
    '(?#a',
    'a|*',
  ].map((pattern): Case => [pattern, false, 'a']),
]

/** A small generator whose numbers are the same in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const atoms = [
  'a',
  'b',
  'c',
  '.',
  '\\d',
  '\\w',
  '\\s',
  '\\S',
  '\\b',
  '^',
  '$',
  '[ab]',
  '[^a]',
  '[^\\W_]',
  ' ',
  ':',
  '\\n',
  'é',
  '(?i:B)',
  '\\Z',
  '(?<=a)',
  '(?!b)',
]
// Possessive ones are for single characters only: CPython 3.11 has bugs with the others (gh-106052: a text position that is not put back).
const quantifiers = ['', '', '', '', '*', '+', '?', '*?', '+?', '??', '{2}', '{1,2}', '{,2}', '{0,2}?']
const possessive = ['*+', '?+', '{1,2}+']
const letters = ['a', 'b', 'c', 'B', ' ', ':', '1', '\n', 'é', 'aa', 'ab']

function randomPattern(pick: (below: number) => number): string {
  let groups = 0
  const part = (depth: number): string => {
    const kind = pick(depth > 2 ? 6 : 14)
    const one = (): string => {
      if (kind < 6) return atoms[pick(atoms.length)] ?? ''
      if (kind < 8) return `(${++groups && sequence(depth + 1)})`
      if (kind === 8) return `(?:${sequence(depth + 1)}|${sequence(depth + 1)})`
      if (kind === 9) return `(${++groups && `${sequence(depth + 1)}|${sequence(depth + 1)}`})`
      if (kind === 10) return `(?>${sequence(depth + 1)})`
      if (kind === 11) return `(?${['=', '!'][pick(2)]}${sequence(depth + 1)})`
      if (groups === 0) return 'a'
      return kind === 12
        ? `\\${pick(groups) + 1}`
        : `(?(${pick(groups) + 1})${sequence(depth + 1)}|${sequence(depth + 1)})`
    }
    const text = one()
    const isCharacter = kind < 6 && !/^[$^(]|^\\[bZ]/.test(text)
    if (isCharacter && pick(12) === 0) return text + (possessive[pick(possessive.length)] ?? '')
    return text + (quantifiers[pick(quantifiers.length)] ?? '')
  }
  const sequence = (depth: number): string => Array.from({ length: 1 + pick(3) }, () => part(depth)).join('')
  return sequence(0)
}

describe('Pattern', () => {
  it('finds what Python finds, and names mistakes as Python does', { skip }, () => compareAll(handWritten))

  it('finds what Python finds for patterns and texts made at random', { skip }, () => {
    const pick = numbers(Number(process.env.SEED ?? 7))
    const cases = Array.from({ length: Number(process.env.CASES ?? 1500) }, (): Case => {
      const text = Array.from({ length: pick(7) }, () => letters[pick(letters.length)] ?? '').join('')
      return [randomPattern(pick), pick(4) === 0, pick(3) === 0 ? text : `${text}\n`]
    })
    compareAll(cases)
  })
})
