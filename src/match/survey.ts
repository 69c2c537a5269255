import { ByteSearch } from './byte-search.js'
import type { CompiledFilter } from './filter.js'
import type { Literal, Requirement } from './literals.js'
import { type LogText, lengthOf, lineEndAt } from './log-text.js'
import { Prefilter, requiredLiterals, withoutCovered } from './prefilter.js'

/** Which lines of a chunk a filter has to read: those that begin at these places, ascending. */
export type Candidates = 'all' | readonly number[]

/** For less text it does not pay to arrange the search for many literals in bytes. */
const bytesMin = 16_384
/** After a chunk of which most was candidates, a filter reads so many in full before it is asked again. */
const chunksWithout = 31

/** What is in a chunk. */
export interface Findings {
  /** For each filter, in their order; to be handed to its LineMatcher. */
  candidates: readonly Candidates[]
  /** Whether the word stands somewhere; undefined: it was not looked for. */
  hasWord: boolean | undefined
}

interface Asked {
  /** Undefined: the filter has no literals, it always reads all. */
  literals: Requirement | undefined
  prefilter: Prefilter | undefined
  chunksToSkip: number
}

/** Finds the lines of a chunk that each of several filters can have an answer for: one search for all jails of a source instead of one for each. */
export class Survey {
  readonly #asked: Asked[]
  /** All literals, and which filters have each. */
  readonly #literals: Literal[] = []
  readonly #owners: number[][] = []
  readonly #together: Prefilter
  readonly #word: number
  #bytes: ByteSearch | 'impossible' | undefined

  /** `word`: to be looked for besides. */
  constructor(filters: readonly CompiledFilter[], word = '') {
    this.#asked = filters.map((filter) => {
      const literals = requiredLiterals(filter)
      return { literals, prefilter: literals && new Prefilter(literals), chunksToSkip: 0 }
    })
    const known = new Map<string, number>()
    for (const [filter, { literals }] of this.#asked.entries()) {
      for (const literal of literals ?? []) {
        const index = known.get(JSON.stringify(literal)) ?? this.#literals.push(literal) - 1
        known.set(JSON.stringify(literal), index)
        this.#owners[index] = [...(this.#owners[index] ?? []), filter]
      }
    }
    this.#together = new Prefilter(withoutCovered(this.#literals))
    this.#word = word === '' ? -1 : this.#literals.push([...word].map((char) => [char.charCodeAt(0)])) - 1
  }

  look(log: LogText): Findings {
    const found: ('all' | number[])[] = this.#asked.map((asked) => begin(asked))
    let hasWord: boolean | undefined
    if (found.every((each) => each === 'all')) return { candidates: found, hasWord }
    const search = log.bytes === undefined || log.bytes.length < bytesMin ? undefined : this.#searchOf(log.bytes)
    if (search !== undefined && log.bytes !== undefined) hasWord = this.#lookAtBytes(search, log.bytes, found)
    else this.#lookAtText(log.text, found)
    for (const [filter, asked] of this.#asked.entries()) {
      const starts = found[filter]
      if (starts === 'all' || !isMost(starts?.length ?? 0, log)) continue
      // Where most lines are candidates, the search for literals only costs, and so does making each line a text of its own.
      found[filter] = 'all'
      if (lengthOf(log) >= bytesMin) asked.chunksToSkip = chunksWithout
    }
    return { candidates: found, hasWord }
  }

  #searchOf(bytes: Buffer): ByteSearch | undefined {
    this.#bytes ??= ByteSearch.of(this.#literals, bytes.subarray(0, bytesMin)) ?? 'impossible'
    return this.#bytes === 'impossible' ? undefined : this.#bytes
  }

  /** Whether the word was found. */
  #lookAtBytes(search: ByteSearch, bytes: Buffer, found: readonly ('all' | number[])[]): boolean | undefined {
    let hasWord = this.#word < 0 ? undefined : false
    let start = 0
    let end = -1
    search.find(bytes, (literal, at) => {
      if (literal === this.#word) hasWord = true
      if (at > end) {
        start = at === 0 ? 0 : bytes.lastIndexOf(lineFeed, at - 1) + 1
        end = bytes.indexOf(lineFeed, at)
        if (end < 0) end = bytes.length
      }
      for (const filter of this.#owners[literal] ?? nobody) {
        const starts = found[filter]
        if (starts !== 'all' && starts?.at(-1) !== start) starts?.push(start)
      }
    })
    return hasWord
  }

  #lookAtText(text: string, found: readonly ('all' | number[])[]): void {
    for (let at = this.#together.next(text, 0); at >= 0; ) {
      const start = at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1
      const end = lineEndAt(text, at)
      const line = text.slice(start, end)
      for (const [filter, { prefilter }] of this.#asked.entries()) {
        const starts = found[filter]
        if (starts !== 'all' && prefilter !== undefined && prefilter.next(line, 0) >= 0) starts?.push(start)
      }
      at = this.#together.next(text, end + 1)
    }
  }
}

function begin(asked: Asked): 'all' | number[] {
  if (asked.literals === undefined) return 'all'
  if (asked.chunksToSkip === 0) return []
  asked.chunksToSkip--
  return 'all'
}

/** Whether so many candidates are about half of the lines or more. */
const isMost = (candidates: number, log: LogText): boolean => candidates * lineLengthTypical * 2 > lengthOf(log)

const lineLengthTypical = 110
const lineFeed = 0x0a
const nobody: readonly number[] = []
