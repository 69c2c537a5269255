import { constants, type FileHandle, open } from 'node:fs/promises'
import type { Clock } from '../../lib/clock.js'

/** Of a share that does not answer. */
const patienceMs = 10_000

/**
 * Writes lines to the end of a file that others write to as well, maybe on another machine. Each line is one write to a file opened by its name, so that a rotation is
 * noticed; off the main thread, so that a dead mount holds up nobody. While something hangs in there everything else is refused: nothing piles up, neither here nor, later,
 * in the file.
 */
export class BanLogFile {
  readonly path: string
  readonly #clock: Clock
  #last: Promise<void> = Promise.resolve()
  #isHanging = false

  constructor(path: string, clock: Clock) {
    this.path = path
    this.#clock = clock
  }

  /** Rejects when the file cannot be opened for writing. Makes it where there is none, but no directory: a share that is not mounted is no place to write to. */
  probe(): Promise<void> {
    return this.#inTurn(async () => {})
  }

  /**
   * Resolves when the system has taken the line. `onNewLine`: something may stand there without its end.
   * NOTE: O_APPEND over SSHFS and NFS may tear the line; whoever writes looks whether it can be read again (ban-log/transport).
   */
  append(line: string, { onNewLine = false } = {}): Promise<void> {
    const bytes = Buffer.from(`${onNewLine ? '\n' : ''}${line}\n`)
    return this.#inTurn(async (file) => {
      const { bytesWritten } = await file.write(bytes)
      if (bytesWritten < bytes.length)
        throw new Error(`Only ${bytesWritten} of ${bytes.length} bytes were taken by ${this.path}: is its disk full?`)
    })
  }

  #inTurn(use: (file: FileHandle) => Promise<void>): Promise<void> {
    if (this.#isHanging) return Promise.reject(this.#silence())
    return new Promise((resolve, reject) => {
      let isLate = false
      const cancel = this.#clock.after(patienceMs, () => {
        isLate = true
        this.#isHanging = true
        reject(this.#silence())
      })
      this.#last = this.#last.then(async () => {
        try {
          // Whoever wanted it has been refused, and will ask again.
          if (!isLate) await this.#use(use)
          resolve()
        } catch (error) {
          reject(error)
        }
        cancel()
        this.#isHanging = false
      })
    })
  }

  async #use(use: (file: FileHandle) => Promise<void>): Promise<void> {
    const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK, O_NOFOLLOW } = constants
    // Who else may write to the directory could lead us to another file of ours by a link, or to a pipe that nobody reads.
    const file = await open(this.path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOFOLLOW, 0o644)
    try {
      if (!(await file.stat()).isFile()) throw new Error(`${this.path} is no file`)
      await use(file)
    } finally {
      await file.close()
    }
  }

  #silence(): Error {
    return new Error(`${this.path} does not answer`)
  }
}
