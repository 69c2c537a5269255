import { fnv1a } from '../lib/fnv.js'
import type { Member } from './member.js'
import { encodeWord } from './message/word-code.js'
import type { NodeName, Word } from './word.js'

/** How a word stands to those that its node has told before. Only what is new has an effect. */
export type Order =
  | 'new'
  /** The very same once more: a broker that delivered twice, or a replay. */
  | 'repeated'
  /** Numbered so far below the newest that we cannot tell whether we had it: on the live path that is a replay. */
  | 'older'
  /** Another word has had this number: two nodes have one key, or one was restarted from an old disk image. */
  | 'conflict'
  /** Told later than the newest, with a much lower number: restarted from an old disk image. */
  | 'rewound'

/** How far words of a node may overtake one another. */
export const windowWords = 256
/** Clocks that are set right step so far. */
const stepMs = 600_000

interface Heard {
  sinceMs: number
  newest: number
  newestAtMs: number
  /** At and below it we know no numbers: from before our start. */
  floor: number
  /** By number modulo the window: a digest of the word; 0: not heard. */
  digests: Uint32Array
}

/** What is kept over a restart, for each node. */
export interface Mark {
  node: NodeName
  sinceMs: number
  newest: number
  newestAtMs: number
}

/** Numbers of words, by node: 1 KiB for each member whose words were opened. */
export class Sequences {
  readonly #heard = new Map<NodeName, Heard>()

  constructor(marks: readonly Mark[] = []) {
    for (const { node, ...mark } of marks) this.#heard.set(node, fresh({ ...mark, floor: mark.newest }))
  }

  /**
   * Remembers the word's number. `live` as it is told; `catch-up` out of a store that keeps only the last word about each address: there
   * an old number is no wonder, and it is for whoever keeps those words to say which is the newer one.
   */
  check(word: Word, { sinceMs }: Pick<Member, 'sinceMs'>, arrival: 'live' | 'catch-up'): Order {
    const { node, seq, atMs } = word
    const known = this.#heard.get(node)
    // A node that has joined anew, with a new key, counts anew.
    const heard =
      known !== undefined && known.sinceMs >= sinceMs
        ? known
        : fresh({ sinceMs, newest: 0, newestAtMs: atMs, floor: 0 })
    if (heard !== known) this.#heard.set(node, heard)
    if (seq > heard.newest) advance(heard, seq, atMs)
    else if (seq <= heard.newest - windowWords || seq <= heard.floor) return orderOfOld(word, heard, arrival)
    const digest = digestOf(word)
    const before = heard.digests[seq % windowWords]
    if (before !== 0) return before === digest ? 'repeated' : 'conflict'
    heard.digests[seq % windowWords] = digest
    return 'new'
  }

  /** The highest number heard of a node; undefined: none. For ourselves: what the next one of ours has to exceed, whatever our disk says. */
  newestOf(node: NodeName): number | undefined {
    return this.#heard.get(node)?.newest
  }

  marks(): Mark[] {
    return [...this.#heard].map(([node, { sinceMs, newest, newestAtMs }]) => ({ node, sinceMs, newest, newestAtMs }))
  }

  /** For who is no member any more. */
  forget(node: NodeName): void {
    this.#heard.delete(node)
  }
}

function fresh(heard: Omit<Heard, 'digests'>): Heard {
  return { ...heard, digests: new Uint32Array(windowWords) }
}

/** Numbers between the newest and this one have not been heard. */
function advance(heard: Heard, seq: number, atMs: number): void {
  const skipped = Math.min(seq - heard.newest, windowWords)
  for (let i = 0; i < skipped; i++) heard.digests[(seq - i) % windowWords] = 0
  heard.newest = seq
  heard.newestAtMs = atMs
}

function orderOfOld({ seq, atMs }: Word, heard: Heard, arrival: 'live' | 'catch-up'): Order {
  if (seq <= heard.newest - windowWords && atMs > heard.newestAtMs + stepMs) return 'rewound'
  return arrival === 'live' ? 'older' : 'new'
}

/** 32 bits (FNV-1a): two different words of honest nodes are taken for one another once in four billion, and a node can only hide its own. Never 0. */
function digestOf(word: Word): number {
  return fnv1a(JSON.stringify(encodeWord(word))) || 1
}
