import type { Value } from './tokens.js'

/** Integers with more bits than this are refused: `2**10**9` must not fill our memory. */
const bitsMax = 65_536n

/** What Python would have raised while it evaluates: ZeroDivisionError, OverflowError, TypeError, … */
export class EvaluationError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'EvaluationError'
  }
}

/** `a sign b` with Python's meaning for int (exact), float and bool. Throws EvaluationError. */
export function binary(sign: string, left: Value, right: Value): bigint | number {
  const a = numeric(left)
  const b = numeric(right)
  return typeof a === 'bigint' && typeof b === 'bigint' ? ofIntegers(sign, a, b) : ofFloats(sign, a, b)
}

export function negated(value: Value): bigint | number {
  return -numeric(value)
}

/** Chained comparisons are the caller's. */
export function holds(sign: string, left: Value, right: Value): boolean {
  const a = numeric(left)
  const b = numeric(right)
  // JavaScript compares bigint and number exactly, as Python does.
  const isEqual = a >= b && a <= b
  if (sign === '<') return a < b
  if (sign === '>') return a > b
  if (sign === '<=') return a <= b
  if (sign === '>=') return a >= b
  return sign === '==' ? isEqual : !isEqual
}

/** NOTE: Python's nan is true. */
export function isTrue(value: Value): boolean {
  return typeof value === 'number' ? value !== 0 : Boolean(value)
}

/** bool counts as int. */
export function numeric(value: Value): bigint | number {
  return typeof value === 'boolean' ? BigInt(value) : value
}

/** Throws where an int is too large for a float. */
export function toFloat(value: Value): number {
  const float = Number(value)
  if (typeof value === 'bigint' && !Number.isFinite(float)) throw new EvaluationError('int too large for a float')
  return float
}

function ofIntegers(sign: string, a: bigint, b: bigint): bigint | number {
  switch (sign) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return bounded(bitsOf(a) + bitsOf(b), () => a * b)
    case '/':
      refuseZero(b)
      return toFloat(a) / toFloat(b)
    case '//':
      return floorDivision(a, b)
    case '%':
      return a - b * floorDivision(a, b)
    case '**':
      return b < 0n ? power(toFloat(a), toFloat(b)) : bounded(bitsOf(a) * b, () => a ** b)
    case '<<':
      if (b < 0n) throw new EvaluationError('negative shift count')
      return a === 0n ? a : bounded(bitsOf(a) + b, () => a << b)
    default:
      if (b < 0n) throw new EvaluationError('negative shift count')
      return a >> b
  }
}

function ofFloats(sign: string, left: Value, right: Value): number {
  if (sign === '<<' || sign === '>>') throw new EvaluationError(`${sign} needs integers`)
  const a = toFloat(left)
  const b = toFloat(right)
  if (sign === '+') return a + b
  if (sign === '-') return a - b
  if (sign === '*') return a * b
  if (sign === '**') return power(a, b)
  refuseZero(b)
  if (sign === '/') return a / b
  const { quotient, remainder } = floatDivision(a, b)
  return sign === '//' ? quotient : remainder
}

function floorDivision(a: bigint, b: bigint): bigint {
  refuseZero(b)
  const quotient = a / b
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient
}

/** The remainder has the sign of the divisor. */
function floatDivision(a: number, b: number): { quotient: number; remainder: number } {
  let remainder = a % b
  let quotient = (a - remainder) / b
  if (remainder !== 0 && b < 0 !== remainder < 0) {
    remainder += b
    quotient -= 1
  }
  return { quotient: Number.isFinite(quotient) ? Math.round(quotient) : quotient, remainder }
}

/** JavaScript says NaN where C, and Python, say 1. */
function power(a: number, b: number): number {
  if (a === 1 || (a === -1 && Math.abs(b) === Number.POSITIVE_INFINITY)) return 1
  if (a === 0 && b < 0) throw new EvaluationError('0.0 cannot be raised to a negative power')
  const result = a ** b
  if (Number.isNaN(result) && !Number.isNaN(a) && !Number.isNaN(b)) throw new EvaluationError('complex result')
  if (!Number.isFinite(result) && Number.isFinite(a) && Number.isFinite(b))
    throw new EvaluationError('result too large')
  return result
}

function refuseZero(value: bigint | number): void {
  if (value === 0n || value === 0) throw new EvaluationError('division by zero')
}

function bounded(bits: bigint, work: () => bigint): bigint {
  if (bits > bitsMax) throw new EvaluationError(`an integer of more than ${bitsMax} bits`)
  return work()
}

function bitsOf(value: bigint): bigint {
  return BigInt((value < 0n ? -value : value).toString(16).length * 4)
}
