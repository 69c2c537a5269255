import type { SetChange } from './set-changes.js'

/** An element's key as a Map likes it: a number for IPv4 (a quarter of the memory), text for IPv6. */
export type ElementKey = number | string

export function keyOf(bytes: Uint8Array): ElementKey {
  if (bytes.length !== 4) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  return (((bytes[0] ?? 0) << 24) | ((bytes[1] ?? 0) << 16) | ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0)) >>> 0
}

/** Which elements were changed since a reconciliation began. Notes nothing while none runs. */
export class TouchedKeys {
  #bySet: Map<string, Set<ElementKey>> | undefined

  /** Begins noting; the returned function ends it. */
  start(): () => void {
    this.#bySet = new Map()
    return () => {
      this.#bySet = undefined
    }
  }

  note(changes: readonly SetChange[]): void {
    if (this.#bySet === undefined) return
    for (const { set, remove, add, insert } of changes) {
      const keys = this.#bySet.get(set) ?? new Set()
      for (const { key } of [...remove, ...add, ...insert]) keys.add(keyOf(key))
      this.#bySet.set(set, keys)
    }
  }

  size(set: string): number {
    return this.#bySet?.get(set)?.size ?? 0
  }

  has(set: string, key: Uint8Array): boolean {
    return this.#bySet?.get(set)?.has(keyOf(key)) ?? false
  }
}
