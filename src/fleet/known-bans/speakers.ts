import type { NodeName } from '../word.js'

/** Whose word it is, and of which jail. */
export interface Speaker {
  /** Undefined: an operator, for everybody. */
  node: NodeName | undefined
  /** Undefined: all jails. */
  jail: string | undefined
}

interface Known extends Speaker {
  words: number
}

/** Numbers for pairs of node and jail, so that a word needs four bytes for both. Given back when the last word of a pair goes. */
export class Speakers {
  readonly #known: (Known | undefined)[] = []
  readonly #numbers = new Map<string, number>()
  readonly #free: number[] = []
  /** Who has spoken last: one node tells many words, one after the other. */
  #last = 0
  readonly #words = new Map<NodeName | undefined, number>()

  /** For one more word. */
  take(speaker: Speaker): number {
    let number = this.numberOf(speaker)
    if (number === undefined) {
      number = this.#free.pop() ?? this.#known.length
      this.#known[number] = { ...speaker, words: 0 }
      this.#numbers.set(keyOf(speaker), number)
    }
    this.#last = number
    this.#count(number, 1)
    return number
  }

  /** For one word less. */
  release(number: number): void {
    const known = this.#count(number, -1)
    if (known === undefined || known.words > 0) return
    this.#numbers.delete(keyOf(known))
    this.#known[number] = undefined
    this.#free.push(number)
  }

  /** Undefined: nobody has told any word of that kind. */
  numberOf(speaker: Speaker): number | undefined {
    const last = this.#known[this.#last]
    const isSame = last !== undefined && last.node === speaker.node && last.jail === speaker.jail
    return isSame ? this.#last : this.#numbers.get(keyOf(speaker))
  }

  of(number: number): Speaker | undefined {
    return this.#known[number]
  }

  /** Words of a node, its lifts included. */
  wordsOf(node: NodeName | undefined): number {
    return this.#words.get(node) ?? 0
  }

  #count(number: number, by: 1 | -1): Known | undefined {
    const known = this.#known[number]
    if (known === undefined) return undefined
    known.words += by
    const words = this.wordsOf(known.node) + by
    if (words === 0) this.#words.delete(known.node)
    else this.#words.set(known.node, words)
    return known
  }
}

/** Names of nodes have no slash in them. */
function keyOf({ node = '', jail }: Speaker): string {
  return jail === undefined ? node : `${node}/${jail}`
}
