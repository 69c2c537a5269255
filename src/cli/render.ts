import picocolors from 'picocolors'

/** Only for people: a pipe gets plain text, on a build server too (which picocolors by itself takes for a terminal). */
const isColoured = !process.env.NO_COLOR && (process.stdout.isTTY === true || Boolean(process.env.FORCE_COLOR))
const { bold, dim, green, red, yellow } = picocolors.createColors(isColoured)
export const colour = { bold, dim, good: green, bad: red, careful: yellow }

/** Columns under their headings, two blanks apart; colours do not count as width. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, width(cell))
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - width(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** `2h 5m`, `45s`: the two largest units. */
export function durationText(durationMs: number | null): string {
  if (durationMs === null) return 'permanent'
  let rest = Math.max(0, Math.round(durationMs / 1000))
  const parts: string[] = []
  for (const [unit, seconds] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(rest / seconds)
    rest -= count * seconds
    if (count > 0) parts.push(`${count}${unit}`)
  }
  return parts.slice(0, 2).join(' ') || '0s'
}

export function timeText(timeMs: number | null): string {
  if (timeMs === null) return 'never'
  const at = new Date(timeMs)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}

/** `12,431`. */
export function countText(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',')
}

export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 ** 2).toFixed(1)} MiB`
}

/** Log text is an attacker's: no control character of it may reach the terminal (CWE-150). */
export function harmless(text: string): string {
  return text.replace(
    /[\0-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** The same, but line ends stay. JSON keeps its meaning: `\u009b` there is what a terminal would obey. */
export function harmlessLines(text: string): string {
  return text.split('\n').map(harmless).join('\n')
}

function width(cell: string): number {
  return cell.replace(/\x1b\[[\d;]*m/g, '').length
}
