import type { ReadPosition } from '../domain/read-position.js'
import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'

export interface PositionStore {
  get(jail: string, path: string): ReadPosition | undefined
  set(positions: readonly { jail: string; path: string; position: ReadPosition }[]): void
}

/** Positions are saved at most this often; after a crash so much of the log is read once more, and known bans stay as they are. */
const saveEveryMs = 1000

/** How far each jail has read each file: gathered here, saved together. */
export class Positions {
  readonly #clock: Clock
  readonly #log: Log
  readonly #store: PositionStore
  readonly #unsaved = new Map<string, { jail: string; path: string; position: ReadPosition }>()
  #cancel: (() => void) | undefined
  #isFailing = false

  constructor(options: { clock: Clock; log: Log; store: PositionStore }) {
    this.#clock = options.clock
    this.#log = options.log
    this.#store = options.store
  }

  get(jail: string, path: string): ReadPosition | undefined {
    return this.#unsaved.get(`${jail}\0${path}`)?.position ?? this.#store.get(jail, path)
  }

  moved(jail: string, path: string, position: ReadPosition): void {
    this.#unsaved.set(`${jail}\0${path}`, { jail, path, position })
    this.#cancel ??= this.#clock.after(saveEveryMs, () => {
      this.#cancel = undefined
      this.save()
    })
  }

  /** Saves now. A store that refuses is told of once and tried again with the next line. */
  save(): void {
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#unsaved.size === 0) return
    try {
      this.#store.set([...this.#unsaved.values()])
      this.#unsaved.clear()
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing)
        this.#log.write(
          'ERROR',
          'database',
          `Cannot save how far the logs are read: ${error instanceof Error ? error.message : error}`,
        )
      this.#isFailing = true
    }
  }
}
