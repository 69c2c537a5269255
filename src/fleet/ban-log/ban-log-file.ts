import { constants, type FileHandle, open } from 'node:fs/promises'

/**
 * Writes lines to the end of a file that others write to as well, maybe on another machine. Each line is one write to a file opened by its name, so that a rotation is
 * noticed; off the main thread, so that a dead mount holds up nobody but the next line.
 */
export class BanLogFile {
  readonly path: string
  #last: Promise<unknown> = Promise.resolve()

  constructor(path: string) {
    this.path = path
  }

  /** Rejects when the file cannot be opened for writing. Makes it where there is none, but no directory: a share that is not mounted is no place to write to. */
  probe(): Promise<void> {
    return this.#inTurn((file) => file.stat())
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
        throw new Error(`Only ${bytesWritten} of ${bytes.length} bytes were taken by ${this.path}: its disk is full`)
    })
  }

  async #inTurn(use: (file: FileHandle) => Promise<unknown>): Promise<void> {
    const turn = this.#last.then(
      () => this.#use(use),
      () => this.#use(use),
    )
    this.#last = turn
    return turn
  }

  async #use(use: (file: FileHandle) => Promise<unknown>): Promise<void> {
    const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants
    // O_NONBLOCK: a named pipe without a reader is an error, not a wait.
    const file = await open(this.path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o644)
    try {
      await use(file)
    } finally {
      await file.close()
    }
  }
}
