/** What `seekPast` needs of an open log. */
export interface SeekableLog {
  readAt(buffer: Buffer, length: number, offset: number): Promise<number>
}

export interface SeekOptions {
  /** Byte range to look in; both are line starts or the end of the file. */
  from: number
  to: number
  /** Whether this line is older than what is wanted; undefined: it has no date. */
  isTooOld(line: string): boolean | undefined
}

/** Less than this is quicker read than searched. */
const worthwhileBytes = 1 << 20
/** So much is read for each probe, and so many of its lines are asked for a date (spec 10.4). */
const probeBytes = 64 << 10
const linesPerProbe = 5
const newline = 0x0a

/** Where to begin with a log that is read from `from` on; `from` itself where nothing can be said. */
export async function seekStart(
  log: SeekableLog & { sizeAtOpen: number },
  from: number,
  { isTooOld, encoding }: { isTooOld?: SeekOptions['isTooOld']; encoding: string },
): Promise<number> {
  // NOTE: probes look for line feeds of one byte.
  if (isTooOld === undefined || /16|32/.test(encoding)) return from
  return seekPast(log, { from, to: log.sizeAtOpen, isTooOld })
}

/**
 * Finds by halving where the lines that are not too old begin, as far as dates only grow: a first start must not read a year of log
 * for the last ten minutes. Returns a line start; every line before it is too old, or stands among such.
 */
export async function seekPast(log: SeekableLog, { from, to, isTooOld }: SeekOptions): Promise<number> {
  const buffer = Buffer.allocUnsafe(probeBytes)
  let [old, young] = [from, to]
  while (young - old > worthwhileBytes) {
    const middle = Math.floor((old + young) / 2)
    const length = await log.readAt(buffer, probeBytes, middle)
    const verdict = verdictOn(buffer.subarray(0, length), isTooOld)
    // No date to be had here: what is left is read line by line.
    if (verdict === undefined) break
    if (verdict.isTooOld) old = middle + verdict.at
    else young = middle
  }
  return old
}

/** Of the first dated line of the piece; its first line is only the rest of one. */
function verdictOn(piece: Buffer, isTooOld: SeekOptions['isTooOld']): { isTooOld: boolean; at: number } | undefined {
  let at = piece.indexOf(newline) + 1
  for (let i = 0; at > 0 && i < linesPerProbe; i++) {
    const end = piece.indexOf(newline, at)
    if (end < 0) return undefined
    const answer = isTooOld(piece.toString('latin1', at, end))
    if (answer !== undefined) return { isTooOld: answer, at }
    at = end + 1
  }
  return undefined
}
