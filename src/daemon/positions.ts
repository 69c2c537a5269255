import type { ReadPosition } from '../domain/read-position.js'
import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'
import { Soon } from './soon.js'

interface Moved {
  jail: string
  path: string
  position: ReadPosition
}

export interface PositionStore {
  get(jail: string, path: string): ReadPosition | undefined
  set(positions: readonly Moved[]): void
}

/** How far each jail has read each file. After a crash a second of the log is read once more, and known bans stay as they are. */
export class Positions {
  readonly #store: PositionStore
  readonly #unsaved: Soon<Moved>

  constructor({ clock, log, store }: { clock: Clock; log: Log; store: PositionStore }) {
    this.#store = store
    this.#unsaved = new Soon({ clock, log, what: 'how far the logs are read', save: (moved) => store.set(moved) })
  }

  get(jail: string, path: string): ReadPosition | undefined {
    return this.#unsaved.get(`${jail}\0${path}`)?.position ?? this.#store.get(jail, path)
  }

  moved(jail: string, path: string, position: ReadPosition): void {
    this.#unsaved.put(`${jail}\0${path}`, { jail, path, position })
  }

  save(): void {
    this.#unsaved.save()
  }
}
