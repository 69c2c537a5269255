import type { LogFile } from './log-file.js'

/** A file that is or was the log, and when it last had something for us. */
export interface Followed {
  file: LogFile
  lastReadMs: number
}

/** A rotated file is read on until it has been silent for so long: its writer may be slow to open the new one. */
const silenceMs = 10_000
/** So many rotated files are kept open. More: the oldest is closed; it has been read to its end. */
const filesMax = 2

/** Files that were the log and may still be written to. */
export class RetiredFiles {
  readonly #close: (followed: Followed) => void
  #files: Followed[] = []

  constructor(close: (followed: Followed) => void) {
    this.#close = close
  }

  all(): readonly Followed[] {
    return this.#files
  }

  add(followed: Followed): void {
    this.#files = [...this.#files, followed]
    this.#keep(this.#files.slice(-filesMax))
  }

  letGo(nowMs: number): void {
    this.#keep(this.#files.filter(({ lastReadMs }) => nowMs - lastReadMs < silenceMs))
  }

  close(): void {
    this.#keep([])
  }

  #keep(kept: Followed[]): void {
    const others = this.#files.filter((one) => !kept.includes(one))
    this.#files = kept
    for (const other of others) this.#close(other)
  }
}
