import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Names, parseFormula } from './formula.js'

const all = ['ban.Time', 'ban.Count', 'banFactor'] as const
const names: Names = { time: 600n, count: 3n, factor: 1.5, random: () => 0.25 }

function worth(text: string): number | bigint | undefined {
  const parsed = parseFormula(text, { names: all })
  return 'formula' in parsed ? parsed.formula(names) : assert.fail(`${text}: ${parsed.problem.message}`)
}

describe('parseFormula', () => {
  it('has Python’s int, float and bool', () => {
    const table: [string, number | bigint][] = [
      ['1', 1n],
      ['1_000 + 0x10', 1016n],
      ['7 // 2', 3n],
      ['-7 // 2', -4n],
      ['-7 % 3', 2n],
      ['7 / 2', 3.5],
      ['2 ** 70', 2n ** 70n],
      ['2 ** -1', 0.5],
      ['-2 ** 2', -4n],
      ['2 ** 3 ** 2', 512n],
      ['1 << 3 + 1', 16n],
      ['True + True', 2n],
      ['1 < 2 < 3', 1n],
      ['3 > 2 > 2', 0n],
      ['not 0 and 5 or 7', 5n],
      ['1 if 0 else 2 if 0 else 3', 3n],
      ['round(2.5) + round(3.5)', 6n],
      ['round(1.236, 2)', 1.24],
      ['int(-2.7)', -2n],
      ['max(1, 2.5, 2)', 2.5],
      ['(1 +\n 2)', 3n],
      [' ban.Time*ban.Count*banFactor\n', 2700],
      ['random.random() * 4', 1],
      ['math.log(8, 2)', 3],
      ['pow(2, 3)', 8n],
      ['1e3 + .5', 1000.5],
    ]
    for (const [text, wanted] of table) assert.equal(worth(text), wanted, text)
  })

  it('gives nothing where Python raises an exception', () => {
    const failing = [
      '1 / 0',
      '1 % 0',
      '1.5 << 2',
      '1 << -1',
      'math.sqrt(-1)',
      'math.exp(1000)',
      '0 ** -1',
      '(-8) ** 0.5',
      'int(math.nan)',
      '2.0 ** 5000',
    ]
    for (const text of failing) assert.equal(worth(text), undefined, text)
  })

  it('cannot be made to fill our memory or our time', () => {
    for (const text of ['9 ** 9 ** 9', '1 << 10 ** 9', '(1 << 65000) ** 2', '(1 << 40000) * (1 << 40000)'])
      assert.equal(worth(text), undefined, text)
    const refused = [
      '('.repeat(5000),
      '-'.repeat(1999),
      `${'('.repeat(60)}1${')'.repeat(60)}`,
      `1${' '.repeat(3000)}`,
      `1${' ** 1'.repeat(300)}`,
    ]
    for (const text of refused) assert.ok('problem' in parseFormula(text, { names: all }), text.slice(0, 20))
  })

  it('says what is wrong and where', () => {
    const table: [string, RegExp, number][] = [
      ['', /it ends/, 0],
      ['ban.Time *', /it ends where/, 10],
      ['ban.Tme', /there is no "ban.Tme", only ban.Time/, 0],
      ['1 + os.system(1)', /there is no function "os.system"/, 4],
      ['__import__', /there is no "__import__"/, 0],
      ['1 2', /there is "2"/, 2],
      ['math.exp', /is a function/, 0],
      ['math.exp(1, 2)', /takes 1 arguments, not 2/, 0],
      ['1 +\n2', /the line ends/, 3],
      ['ban.Time if 1', /it ends where "else"/, 13],
      ['lambda: 1', /":" has no meaning/, 6],
      ['1 = 2', /"=" has no meaning/, 2],
      ['012', /leading zero/, 0],
      ['1x', /followed by a letter/, 0],
      ['max(1)', /takes 2 to 100/, 0],
    ]
    for (const [text, message, at] of table) {
      const parsed = parseFormula(text, { names: all })
      if (!('problem' in parsed)) assert.fail(text)
      assert.match(parsed.problem.message, message, text)
      assert.equal(parsed.problem.at, at, text)
    }
  })

  it('does not know the names it was not given', () => {
    assert.ok('problem' in parseFormula('banFactor', { names: [] }))
  })
})
