import type { NodeName } from '../word.js'

/** Numbers above the first that is missing; more are taken together, as if what is between them were missing. */
const beyondMax = 1024

interface Heard {
  /** All numbers up to here have been heard, or have been outdone by later ones. */
  through: number
  beyond: Set<number>
}

/** Which words of whom have not come. Numbers that prove nothing (of words that were refused) must not be told to it. */
export class Gaps {
  readonly #heard = new Map<NodeName, Heard>()

  heard(node: NodeName, seq: number): void {
    const heard = this.#of(node)
    if (seq <= heard.through) return
    heard.beyond.add(seq)
    while (heard.beyond.delete(heard.through + 1)) heard.through++
    // Too many to remember: the next heartbeat leads to a catch-up, which is never wrong.
    if (heard.beyond.size > beyondMax) heard.beyond.clear()
  }

  /** A snapshot or a reading of all that is kept has told everything up to this number. */
  covered(node: NodeName, through: number): void {
    const heard = this.#of(node)
    if (through <= heard.through) return
    heard.through = through
    for (const seq of heard.beyond) if (seq <= through) heard.beyond.delete(seq)
    while (heard.beyond.delete(heard.through + 1)) heard.through++
  }

  isBehind(node: NodeName, seq: number): boolean {
    return (this.#heard.get(node)?.through ?? 0) < seq
  }

  /** Its numbers begin anew. */
  forget(node: NodeName): void {
    this.#heard.delete(node)
  }

  #of(node: NodeName): Heard {
    const known = this.#heard.get(node)
    if (known !== undefined) return known
    const fresh = { through: 0, beyond: new Set<number>() }
    this.#heard.set(node, fresh)
    return fresh
  }
}
