/** Whole lines of a log, each ended by a line feed. */
export interface LogText {
  /** May be made only when it is asked for: 0.2 µs for a line of an access log. */
  readonly text: string
  /** The same where every character of it is ASCII, so that places in the two are the same; undefined: not so, or not at hand. */
  readonly bytes: Buffer | undefined
}

const lineFeed = 0x0a
const carriageReturn = 0x0d

export function lengthOf(log: LogText): number {
  return log.bytes?.length ?? log.text.length
}

/** The line that begins at `start`, with its line feed. */
export function lineFrom(log: LogText, start: number): string {
  const { bytes } = log
  if (bytes === undefined) return log.text.slice(start, lineEndAt(log.text, start) + 1)
  const end = bytes.indexOf(lineFeed, start)
  return bytes.toString('latin1', start, end < 0 ? bytes.length : end + 1)
}

/** The last line, with its line feed. */
export function lastLineOf(log: LogText): string {
  const { bytes } = log
  if (bytes === undefined) return log.text.slice(log.text.lastIndexOf('\n', log.text.length - 2) + 1)
  return bytes.toString('latin1', bytes.length < 2 ? 0 : bytes.lastIndexOf(lineFeed, bytes.length - 2) + 1)
}

export function lineEndAt(text: string, from: number): number {
  const feed = text.indexOf('\n', from)
  return feed < 0 ? text.length : feed
}

/** The end of a line that stops at `end`, the carriage returns of a CRLF left off. */
export function withoutReturns(text: string, start: number, end: number): number {
  let last = end
  while (last > start && text.charCodeAt(last - 1) === carriageReturn) last--
  return last
}
