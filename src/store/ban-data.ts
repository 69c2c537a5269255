import type { Ban } from '../domain/ban.js'

/**
 * What the `data` column holds: Fail2ban's `matches` and `failures`, the named groups, and our own keys for what its columns cannot
 * hold. A group name has no dot, so ours cannot meet one; Fail2ban carries them along and does not look at them.
 */
export interface BanData {
  failures: number
  lines: string[]
  data: Record<string, string>
  /** Only where it is no whole second. */
  startMs: number | undefined
  durationMs: number | undefined
  isByOperator: boolean
}

const startKey = 'tocsin.startMs'
const durationKey = 'tocsin.durationMs'
const byKey = 'tocsin.by'

const utf8 = new TextDecoder()

/** JSON in UTF-8, as a BLOB: Fail2ban stores it so. `linesMax`: the last lines that are kept (`dbmaxmatches`). */
export function encodeBanData(ban: Ban, linesMax: number): Buffer {
  const matches = linesMax > 0 ? { matches: ban.lines.slice(-linesMax) } : {}
  const ours = {
    ...(ban.startMs % 1000 === 0 ? {} : { [startKey]: ban.startMs }),
    ...((ban.durationMs ?? 0) % 1000 === 0 ? {} : { [durationKey]: ban.durationMs }),
    ...(ban.origin.kind === 'operator' ? { [byKey]: 'operator' } : {}),
  }
  return Buffer.from(JSON.stringify({ ...ban.data, ...matches, failures: ban.failures, ...ours }))
}

/** Never throws: what cannot be read is left out, for the ban itself matters more. */
export function decodeBanData(column: unknown): BanData {
  const { matches, failures, ...rest } = parsed(column)
  const start = rest[startKey]
  const duration = rest[durationKey]
  const data: Record<string, string> = {}
  for (const name in rest) if (!name.startsWith('tocsin.')) data[name] = textOf(rest[name])
  return {
    failures: typeof failures === 'number' ? failures : 0,
    lines: Array.isArray(matches) ? matches.map(lineOf) : [],
    data,
    startMs: typeof start === 'number' ? start : undefined,
    durationMs: typeof duration === 'number' ? duration : undefined,
    isByOperator: rest[byKey] === 'operator',
  }
}

/** Our own keys at the end of the JSON that we wrote. Names and values there hold no escaped character, so no text of an attacker can look so. */
const tailPattern =
  /[,{]\s*"failures":\s*\d+(?:,\s*"tocsin\.startMs":\s*(\d+(?:\.\d+)?))?(?:,\s*"tocsin\.durationMs":\s*(\d+(?:\.\d+)?))?(?:,\s*"tocsin\.by":\s*"(operator)")?\}$/

/** Our own keys from the last 160 bytes of the column, without reading the rest. */
export function decodeTail(text: string): Pick<BanData, 'startMs' | 'durationMs' | 'isByOperator'> {
  const [, startMs, durationMs, by] = tailPattern.exec(text) ?? []
  return {
    startMs: startMs === undefined ? undefined : Number(startMs),
    durationMs: durationMs === undefined ? undefined : Number(durationMs),
    isByOperator: by === 'operator',
  }
}

function parsed(column: unknown): Record<string, unknown> {
  try {
    const text = column instanceof Uint8Array ? utf8.decode(column) : String(column)
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
  } catch {
    return {}
  }
}

/** Fail2ban keeps a line as text, or as the parts before, inside and behind its date. */
function lineOf(match: unknown): string {
  return Array.isArray(match) ? match.join('') : String(match)
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
