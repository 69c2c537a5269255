import type { Failure } from '../domain/failure.js'

/** Stands for a value that is the id itself, as the address nearly always is. */
const sameAsId = '\x02'

/**
 * One failure as one flat string: time, number of lines, the lines, then names and values in turn, each behind a line feed. A third of
 * the memory of the object. Undefined when a part holds a line feed itself (multi-line filters): such a one stays an object.
 */
export function packFailure({ id, timeMs, lines, data }: Failure): string | undefined {
  const parts = [String(timeMs), String(lines.length), ...lines]
  for (const name in data) parts.push(name, data[name] === id ? sameAsId : (data[name] ?? ''))
  const packed = parts.join('\n')
  return countOfFeeds(packed) === parts.length - 1 ? packed : undefined
}

/** What was packed. */
export function unpackFailure(id: string, packed: string): Failure {
  const [timeMs = '', count = '', ...parts] = packed.split('\n')
  const lines = parts.slice(0, Number(count))
  const data: Record<string, string> = {}
  for (let i = lines.length; i < parts.length; i += 2) {
    const value = parts[i + 1] ?? ''
    data[parts[i] ?? ''] = value === sameAsId ? id : value
  }
  return { id, timeMs: Number(timeMs), lines, data }
}

/** The time alone. */
export function packedTimeMs(packed: string): number {
  return Number(packed.slice(0, packed.indexOf('\n')))
}

function countOfFeeds(text: string): number {
  let count = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++
  return count
}
