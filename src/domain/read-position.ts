/** How far a log file has been read, so that a restart neither skips nor repeats lines. */
export interface ReadPosition {
  /** SHA-1 (hex) of the first line's raw bytes with its line end; empty while there is no complete first line (spec section 8). */
  firstLineSha1: string
  /** Byte offset of the next line to read. */
  offset: number
}
