/** Python's `round`: the whole number that is next, and of two that are equally near the even one (spec 5.1). */
export function roundHalfToEven(value: number): number {
  const floor = Math.floor(value)
  if (value - floor !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}
