import { messageOf } from '../lib/error-message.js'
import type { Log, LogLevel } from '../lib/log.js'
import type { LogFile } from './log-file.js'

export interface TailEvent {
  kind: 'waiting' | 'opened' | 'live' | 'rotated' | 'unreadable' | 'polling'
  path: string
  /** A sentence for the operator. Trouble, rotation and polling are in the log already. */
  text: string
}

export interface TailReportOptions {
  path: string
  log: Log
  onEvent?(event: TailEvent): void
}

/** What a tail tells of itself, each trouble once until it is over. In Fail2ban's words where it has some (spec 9.2). */
export class TailReport {
  readonly #options: TailReportOptions
  #trouble: 'absent' | 'unreadable' | undefined

  constructor(options: TailReportOptions) {
    this.#options = options
  }

  get isAbsent(): boolean {
    return this.#trouble === 'absent'
  }

  /** There is a file of our name, and it can be read. */
  present(): void {
    if (this.#trouble !== undefined) this.#write('MSG', `Log presence detected for file ${this.#options.path}`)
    this.#trouble = undefined
  }

  absent(error: Error, wasThere: boolean): void {
    if (this.#trouble === 'absent') return
    this.#trouble = 'absent'
    const { path } = this.#options
    if (wasThere) this.#write('MSG', `Log absence detected (possibly rotation) for ${path}, reason: ${error.message}`)
    else this.#tell('waiting', 'DEBUG', `${path} does not exist yet; it is read as soon as it appears`)
  }

  unreadable(error: unknown): void {
    if (this.#trouble === 'unreadable') return
    this.#trouble = 'unreadable'
    const reason = messageOf(error)
    this.#tell('unreadable', 'ERROR', `Cannot read ${this.#options.path}: ${reason}; it is tried again every second`)
  }

  opened(file: LogFile): void {
    const { firstLineSha1, offset } = file.position
    this.#tell('opened', 'DEBUG', `Reading ${this.#options.path} from byte ${offset} (hash = ${firstLineSha1})`)
  }

  rotated(from: LogFile, to: LogFile): void {
    const { offset, firstLineSha1 } = from.position
    const hashes = `'${to.position.firstLineSha1}', '${firstLineSha1}'`
    const reason = `(${to.sizeAtOpen}, ${offset}, ${to.ino}, ${from.ino}, ${hashes})`
    this.#tell('rotated', 'MSG', `Log rotation detected for ${this.#options.path}, reason: ${reason}`)
  }

  live(): void {
    this.#tell('live', 'DEBUG', `${this.#options.path} is read to its end; from now on its lines are new`)
  }

  polling(text: string): void {
    this.#tell('polling', 'WARNING', text)
  }

  #tell(kind: TailEvent['kind'], level: LogLevel, text: string): void {
    this.#write(level, text)
    this.#options.onEvent?.({ kind, path: this.#options.path, text })
  }

  #write(level: LogLevel, text: string): void {
    this.#options.log.write(level, 'filter', text)
  }
}
