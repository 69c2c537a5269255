import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { runChild } from '../../lib/child.js'
import { type Names, parseFormula } from './formula.js'

const names: Names = { time: 600n, count: 3n, factor: 1.5, random: () => 0.25 }

const leaf = fc.oneof(
  fc.integer({ min: 0, max: 30 }).map(String),
  fc.constantFrom('0', '1', '2', '0.5', '1.5', '10.25', '1e3', 'True', 'False', 'math.pi'),
  fc.constantFrom('ban.Time', 'ban.Count', 'banFactor'),
)

const { expression } = fc.letrec<{ expression: string }>((tie) => {
  const part = tie('expression')
  const two = fc.tuple(part, part)
  const sign = fc.constantFrom(
    '+',
    '-',
    '*',
    '/',
    '//',
    '%',
    '**',
    '<<',
    '>>',
    '<',
    '>',
    '<=',
    '>=',
    '==',
    '!=',
    'and',
    'or',
  )
  return {
    expression: fc.oneof(
      { maxDepth: 5, depthSize: 'medium' },
      leaf,
      fc.tuple(part, sign, part).map(([a, by, b]) => `${a} ${by} ${b}`),
      fc.tuple(part, sign, part).map(([a, by, b]) => `(${a} ${by} ${b})`),
      fc.tuple(fc.constantFrom('-', '+'), leaf).map(([by, a]) => `${by}${a}`),
      fc.tuple(part, part, part).map(([a, b, c]) => `(${a} if ${b} else ${c})`),
      part.map((a) => `(not ${a})`),
      fc
        .tuple(
          fc.constantFrom(
            'abs',
            'int',
            'float',
            'round',
            'math.exp',
            'math.sqrt',
            'math.log',
            'math.floor',
            'math.ceil',
            'math.cos',
          ),
          part,
        )
        .map(([name, a]) => `${name}(${a})`),
      fc
        .tuple(fc.constantFrom('min', 'max', 'pow', 'math.pow', 'math.atan2'), two)
        .map(([name, [a, b]]) => `${name}(${a}, ${b})`),
    ),
  }
})

const { exitCode } = await runChild(['/usr/bin/python3', '-c', ''], { timeoutMs: 10_000 })
const noPython = exitCode === 0 ? undefined : 'needs /usr/bin/python3'

it('gives what Python gives, for any expression', { skip: noPython ?? false }, async () => {
  const texts = fc.sample(expression, { numRuns: 4000, seed: 20_261_121 })
  const theirs = await evaluatedByPython(texts)
  let compared = 0
  for (const [at, text] of texts.entries()) {
    const wanted = theirs[at] ?? null
    // What is refused for its size says so instead.
    if (wanted === 'large') continue
    compared++
    const parsed = parseFormula(text, { names: ['ban.Time', 'ban.Count', 'banFactor'] })
    const ours = 'formula' in parsed ? parsed.formula(names) : assert.fail(`${text}: ${parsed.problem.message}`)
    if (wanted === null) assert.equal(ours, undefined, text)
    else assert.ok(ours !== undefined && isClose(Number(ours), Number(wanted)), `${text}: ${ours} is not ${wanted}`)
  }
  assert.ok(compared > 3500, `${compared}`)
})

function isClose(a: number, b: number): boolean {
  return Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b))
}

/** Each value as text; null: an exception; "large": an integer on the way has more bits than we allow. */
async function evaluatedByPython(texts: readonly string[]): Promise<(string | null)[]> {
  const script = `
import sys, json, math, warnings
warnings.simplefilter('ignore')
import ast
class Large(BaseException): pass
def power(a, b):
    if isinstance(a, int) and isinstance(b, int) and b * max(1, a.bit_length()) > 60000: raise Large()
    result = a ** b
    if isinstance(result, complex): raise ValueError('complex')
    return result
def shifted(a, b):
    if isinstance(a, int) and isinstance(b, int) and b + a.bit_length() > 60000: raise Large()
    return a << b
class Guarded(ast.NodeTransformer):
    'the same expression, which refuses to grow'
    def visit_BinOp(self, node):
        self.generic_visit(node)
        name = {ast.Pow: 'power', ast.LShift: 'shifted'}.get(type(node.op))
        return ast.Call(ast.Name(name, ast.Load()), [node.left, node.right], []) if name else node
class Ban: Time = 600; Count = 3
names = {'ban': Ban, 'banFactor': 1.5, 'math': math, 'power': power, 'shifted': shifted, 'pow': power}
def value(text):
    try:
        tree = ast.fix_missing_locations(Guarded().visit(ast.parse(text, mode='eval')))
        result = eval(compile(tree, 'x', 'eval'), dict(names))
        if isinstance(result, (bool, int)):
            return str(int(result)) if result.bit_length() < 1000 else 'large'
        return repr(result)
    except Large:
        return 'large'
    except Exception:
        return None
print(json.dumps([value(text) for text in json.load(sys.stdin)]))`
  const result = await runChild(['/usr/bin/python3', '-c', script], { timeoutMs: 60_000, stdin: JSON.stringify(texts) })
  assert.equal(result.exitCode, 0, result.stderr)
  return JSON.parse(result.stdout) as (string | null)[]
}
