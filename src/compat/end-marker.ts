/** Ends every request and every answer on Fail2ban's socket (spec 7.1). NOTE: a text that contains it ends a request, too. */
export const endMarker = Buffer.from('<F2B_END_COMMAND>')

/** A request that says goodbye. */
export const closeRequest = Buffer.from('<F2B_CLOSE_COMMAND>')

/** Cuts what comes in pieces at the markers. */
export class MarkedStream {
  readonly #bytesMax: number
  #buffer = Buffer.alloc(0)
  #length = 0
  /** No marker begins before here. */
  #searched = 0

  /** `bytesMax`: of one message without its marker. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  push(piece: Buffer): void {
    if (this.#length + piece.length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length + piece.length, this.#length * 2))
      this.#buffer.copy(larger, 0, 0, this.#length)
      this.#buffer = larger
    }
    piece.copy(this.#buffer, this.#length)
    this.#length += piece.length
  }

  /** The next whole message; undefined: there is none yet; `too long`: there never will be. */
  take(): Buffer | 'too long' | undefined {
    const held = this.#buffer.subarray(0, this.#length)
    const end = held.indexOf(endMarker, this.#searched)
    if (end > this.#bytesMax) return 'too long'
    if (end < 0) {
      this.#searched = Math.max(0, this.#length - endMarker.length + 1)
      return this.#searched > this.#bytesMax ? 'too long' : undefined
    }
    const message = Buffer.from(held.subarray(0, end))
    const rest = held.subarray(end + endMarker.length)
    // What was a large request gives its memory back.
    this.#buffer = Buffer.from(rest)
    this.#length = rest.length
    this.#searched = 0
    return message
  }
}
