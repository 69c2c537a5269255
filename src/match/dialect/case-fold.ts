/**
 * Characters that equal one of lo…hi when case is ignored, those of the range included.
 *
 * Python compares lower-case forms, and takes those for equal that have the same upper case (`s` and `ſ`).
 */
export function caseVariants(lo: number, hi: number, fold: 'unicode' | 'ascii'): number[] {
  if (fold === 'ascii') return asciiVariants(lo, hi)
  const variants: number[] = []
  for (const family of families()) {
    if (family.some((code) => code >= lo && code <= hi)) variants.push(...family)
  }
  return variants
}

/** Whether two texts are the same when case is ignored. */
export function sameFolded(a: string, b: string, fold: 'unicode' | 'ascii'): boolean {
  if (fold === 'ascii') return asciiLower(a) === asciiLower(b)
  const [left, right] = [[...a], [...b]]
  return left.length === right.length && left.every((char, i) => foldKey(char) === foldKey(right[i] ?? ''))
}

function asciiVariants(lo: number, hi: number): number[] {
  const variants: number[] = []
  for (let code = 65; code <= 90; code++) {
    const isIn = (c: number) => c >= lo && c <= hi
    if (isIn(code) || isIn(code + 32)) variants.push(code, code + 32)
  }
  return variants
}

const asciiLower = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

let known: number[][] | undefined

/** All sets of two and more characters that differ in case only. Letters with case end before U+1E944. */
function families(): number[][] {
  if (known !== undefined) return known
  const byKey = new Map<string, number[]>()
  for (let code = 0; code < 0x1e944; code++) {
    if (code >= 0xd800 && code <= 0xdfff) continue
    const char = String.fromCodePoint(code)
    const key = foldKey(char)
    const family = byKey.get(key)
    if (family === undefined) byKey.set(key, [code])
    else family.push(code)
  }
  known = [...byKey.values()].filter((family) => family.length > 1)
  return known
}

function foldKey(char: string): string {
  // NOTE: İ lowers to i with a dot above it, two characters; the simple form is the first.
  const [lower = ''] = char.toLowerCase()
  return lower.toUpperCase()
}
