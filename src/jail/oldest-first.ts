/**
 * The keys of a map, the oldest first, each to be deleted by whoever takes it. NOTE: a new iterator for each would step over all keys that were
 * deleted since the map was last laid out anew: 30 µs for each key of a map of 300,000.
 */
export class OldestFirst<K> {
  readonly #map: ReadonlyMap<K, unknown>
  #keys: IterableIterator<K>

  constructor(map: ReadonlyMap<K, unknown>) {
    this.#map = map
    this.#keys = map.keys()
  }

  /** Undefined: the map is empty. */
  next(): K | undefined {
    const next = this.#keys.next()
    if (!next.done) return next.value
    // An iterator that has once come to the end stays there.
    this.#keys = this.#map.keys()
    const first = this.#keys.next()
    return first.done ? undefined : first.value
  }
}
