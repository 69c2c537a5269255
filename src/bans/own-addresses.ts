import { networkInterfaces } from 'node:os'
import { parseIp } from '../domain/address.js'
import type { Clock } from '../lib/clock.js'
import type { Guarded, GuardSource } from './guarded.js'
import { Watched } from './watched.js'

const maxAgeMs = 1000

/** This machine's addresses, as they are now. */
export class OwnAddresses implements GuardSource {
  readonly #watched: Watched
  #list: readonly Guarded[] = []
  #texts: ReadonlySet<string> = new Set()

  constructor(clock: Clock) {
    this.#watched = new Watched({ clock, maxAgeMs, look: addressesOfInterfaces })
  }

  list(): readonly Guarded[] {
    const list = this.#watched.list()
    if (list !== this.#list) {
      this.#list = list
      this.#texts = new Set(list.map(({ ip }) => ip.text))
    }
    return list
  }

  /** Whether this canonical text is one of them. Cheap: asked for every failure. */
  has(id: string): boolean {
    if (isLoopback(id)) return true
    this.list()
    return this.#texts.has(id)
  }
}

/** Of interfaces that are up, aliases included; 127.0.0.1 is protected anyway. NOTE: a loopback interface may have others. */
function addressesOfInterfaces(): Guarded[] {
  const entries = Object.values(networkInterfaces()).flatMap((known) => known ?? [])
  return entries
    .filter(({ address }) => !isLoopback(address))
    .flatMap(({ address }) => parseIp(address.replace(/%.*/, '')) ?? [])
    .map((ip) => ({ ip, kind: 'own', reason: `${ip.text} is an address of this machine` }))
}

/** Of a canonical text. */
export function isLoopback(text: string): boolean {
  return text.startsWith('127.') || text === '::1'
}
