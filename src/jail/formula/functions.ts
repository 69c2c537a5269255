import { roundHalfToEven } from '../../lib/half-to-even.js'
import { EvaluationError, holds, isTrue, numeric, toFloat } from './arithmetic.js'
import type { Value } from './tokens.js'

export interface PythonFunction {
  argumentsMin: number
  argumentsMax: number
  call(args: readonly Value[], random: () => number): Value
}

export const constants: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['True', true],
  ['False', false],
  ['math.pi', Math.PI],
  ['math.e', Math.E],
  ['math.tau', 2 * Math.PI],
  ['math.inf', Number.POSITIVE_INFINITY],
  ['math.nan', Number.NaN],
])

/** A function of floats. What is not finite although the arguments are is ValueError or OverflowError in Python. */
function ofFloats(work: (...args: number[]) => number, argumentsMin = 1, argumentsMax = argumentsMin): PythonFunction {
  return {
    argumentsMin,
    argumentsMax,
    call(args) {
      const floats = args.map(toFloat)
      const result = work(...floats)
      if (!Number.isFinite(result) && floats.every(Number.isFinite))
        throw new EvaluationError('math domain or range error')
      if (Number.isNaN(result) && !floats.some(Number.isNaN)) throw new EvaluationError('math domain error')
      return result
    },
  }
}

function ofOne(work: (value: bigint | number) => Value): PythonFunction {
  return { argumentsMin: 1, argumentsMax: 1, call: ([value = 0n]) => work(numeric(value)) }
}

function extreme(sign: '<' | '>'): PythonFunction {
  return {
    argumentsMin: 2,
    argumentsMax: 100,
    call: ([first = 0n, ...others]) => others.reduce((best, one) => (holds(sign, one, best) ? one : best), first),
  }
}

/** To an int, which no float beyond the finite ones can become. */
function integral(work: (value: number) => number): PythonFunction {
  return ofOne((value) => (typeof value === 'bigint' ? value : toInteger(work(value))))
}

function toInteger(value: number): bigint {
  if (!Number.isFinite(value)) throw new EvaluationError('no int for an infinite float or nan')
  return BigInt(value)
}

const round: PythonFunction = {
  argumentsMin: 1,
  argumentsMax: 2,
  call([value = 0n, digits]) {
    const number = numeric(value)
    if (digits === undefined) return typeof number === 'bigint' ? number : toInteger(roundHalfToEven(number))
    const places = Number(digits)
    if (!Number.isInteger(places) || places < 0 || places > 20) throw new EvaluationError('round takes 0 to 20 digits')
    return typeof number === 'bigint' || !Number.isFinite(number) ? number : Number(number.toFixed(places))
  },
}

const random: PythonFunction = { argumentsMin: 0, argumentsMax: 0, call: (_, source) => source() }

function logarithm(value: number, base?: number): number {
  if (value <= 0 || (base !== undefined && base <= 0)) return Number.NaN
  return base === undefined ? Math.log(value) : Math.log(value) / Math.log(base)
}

/** `max`, `int`, `math.exp`, `random.random`, … Nothing here reaches outside, and nothing takes long. */
export const functions: ReadonlyMap<string, PythonFunction> = new Map<string, PythonFunction>([
  ['min', extreme('<')],
  ['max', extreme('>')],
  ['abs', ofOne((value) => (value < 0 ? -value : value))],
  ['int', integral(Math.trunc)],
  ['float', ofOne(toFloat)],
  ['bool', ofOne(isTrue)],
  ['round', round],
  ['random.random', random],
  ['math.floor', integral(Math.floor)],
  ['math.ceil', integral(Math.ceil)],
  ['math.trunc', integral(Math.trunc)],
  ['math.fabs', ofFloats(Math.abs)],
  ['math.exp', ofFloats(Math.exp)],
  ['math.exp2', ofFloats((value) => 2 ** value)],
  ['math.expm1', ofFloats(Math.expm1)],
  ['math.log', ofFloats(logarithm, 1, 2)],
  ['math.log2', ofFloats((value) => (value <= 0 ? Number.NaN : Math.log2(value)))],
  ['math.log10', ofFloats((value) => (value <= 0 ? Number.NaN : Math.log10(value)))],
  ['math.log1p', ofFloats((value) => (value <= -1 ? Number.NaN : Math.log1p(value)))],
  ['math.sqrt', ofFloats(Math.sqrt)],
  ['math.cbrt', ofFloats(Math.cbrt)],
  ['math.pow', ofFloats((a, b) => (a === 1 ? 1 : a ** b), 2)],
  ['math.fmod', ofFloats((a, b) => a % b, 2)],
  ['math.hypot', ofFloats(Math.hypot, 1, 20)],
  ['math.sin', ofFloats(Math.sin)],
  ['math.cos', ofFloats(Math.cos)],
  ['math.tan', ofFloats(Math.tan)],
  ['math.asin', ofFloats(Math.asin)],
  ['math.acos', ofFloats(Math.acos)],
  ['math.atan', ofFloats(Math.atan)],
  ['math.atan2', ofFloats(Math.atan2, 2)],
  ['math.sinh', ofFloats(Math.sinh)],
  ['math.cosh', ofFloats(Math.cosh)],
  ['math.tanh', ofFloats(Math.tanh)],
  ['math.degrees', ofFloats((value) => (value * 180) / Math.PI)],
  ['math.radians', ofFloats((value) => (value * Math.PI) / 180)],
])
