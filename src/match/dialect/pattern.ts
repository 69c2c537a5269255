import { messageOf } from '../../lib/error-message.js'
import { type GroupFacts, groupFacts } from './facts.js'
import { Machine } from './machine.js'
import { compileProgram } from './machine-code.js'
import { parsePattern } from './parse.js'
import { PatternError, type Syntax } from './syntax.js'
import { type Alphabet, type Translation, translate } from './translate.js'
import { type Unconditional, withoutConditions } from './unconditional.js'

/** What a search found: the groups by slot (0: the whole match), and where it begins. */
export interface Match extends ReadonlyArray<string | undefined> {
  index: number
}

export interface PatternOptions {
  /** Python's MULTILINE flag. */
  multiline?: boolean
  /** Numbers of unnamed groups whose text is wanted. */
  keep?: readonly number[]
}

/**
 * A pattern in Python's dialect, ready to search.
 *
 * Unicode or ASCII? Python's `\w \d \s \b` and `(?i)` know all of Unicode, and a name like `müller` must go through `\w+` as it does there. But in a
 * text that is all ASCII the two mean the same, and nearly every log line is. So there are two translations: one with V8's own ASCII classes for ASCII texts,
 * and an exact Unicode one, made when the first other text comes.
 */
export class Pattern {
  readonly source: string
  readonly syntax: Syntax
  /** Slots of the named groups. */
  readonly slots: ReadonlyMap<string, number>
  /** Slots by Python's group number; the slot of a group that is not kept is always empty. */
  readonly slotOfGroup: readonly number[]
  readonly #facts: GroupFacts
  #plain: Unconditional | undefined
  readonly #ascii: Searcher
  #unicode: Searcher | undefined
  #machine: Machine | undefined

  /** Throws PatternError. */
  constructor(source: string, options: PatternOptions = {}) {
    this.source = source
    this.syntax = parsePattern(source, options)
    this.#facts = groupFacts(this.syntax, options.keep)
    this.#plain = withoutConditions(this.syntax.root, this.syntax.groups)
    this.#ascii = this.#searcher('ascii')
    const { slots, slotCount } = this.#ascii.translation
    // A group that V8's pattern does not have gets a place behind the last, where nothing ever is.
    const own = slots.slice(0, this.syntax.groups + 1)
    this.slotOfGroup = own.map((slot, index) => (slot === 0 && index > 0 ? slotCount + 1 : slot))
    this.slots = new Map(
      [...this.syntax.names].map(([name, index]) => [name, this.slotOfGroup[index] ?? slotCount + 1]),
    )
  }

  /** Whether V8 alone decides. */
  get isExact(): boolean {
    return this.#ascii.translation.isExact
  }

  /** V8's pattern for ASCII texts; undefined when it alone does not decide. */
  get asciiRegExp(): RegExp | undefined {
    return this.isExact ? this.#ascii.regExp : undefined
  }

  /** The first match in `text`. Throws SearchTooLong when our own machine has to decide and cannot in time. */
  exec(text: string, isAscii: boolean): Match | null {
    const searcher = isAscii ? this.#ascii : this.#unicodeSearcher()
    const match = searcher.regExp.exec(text)
    if (match === null || !searcher.translation.isExact) return match && this.#decide(text, match.index)
    const { copies } = searcher
    for (let i = 0; i < copies.length; i += 2) {
      const found = match[copies[i + 1] ?? 0]
      if (found !== undefined) match[copies[i] ?? 0] = found
    }
    return match
  }

  /** As exec, by our own machine alone: slow, and the oracle. */
  execSlow(text: string): Match | null {
    return this.#decide(text, 0)
  }

  /** The machine itself, for those who need positions of groups. */
  get machine(): Machine {
    this.#machine ??= new Machine(compileProgram(this.syntax.root, this.#facts))
    return this.#machine
  }

  #decide(text: string, from: number): Match | null {
    const machine = this.machine
    if (!machine.search(text, from)) return null
    const { marks } = machine
    const groups = new Array<string | undefined>(this.#ascii.translation.slotCount + 1).fill(undefined)
    groups[0] = text.slice(marks[0], marks[1])
    for (const [index, slot] of this.#ascii.translation.slots.slice(0, this.#facts.groups + 1).entries()) {
      const end = marks[2 * index + 1] ?? -1
      if (slot > 0 && end >= 0) groups[slot] = text.slice(marks[2 * index], end)
    }
    return Object.assign(groups, { index: marks[0] ?? 0 })
  }

  #unicodeSearcher(): Searcher {
    this.#unicode ??= this.#searcher('unicode')
    return this.#unicode
  }

  /** Without questions after groups where that is possible, which is far quicker. Both alphabets go the same way, for they must have the same slots. */
  #translated(alphabet: Alphabet): Pick<Searcher, 'translation' | 'copies'> {
    const plain = this.#plain
    if (plain !== undefined) {
      const { root, groups, copies } = plain
      const kept = copies.filter(([group]) => this.#facts.kept.has(group))
      const alsoKept = [...this.#facts.kept, ...kept.map(([, copy]) => copy)]
      const translation = translate(root, groupFacts({ root, groups, names: this.syntax.names }, alsoKept), alphabet)
      // NOTE: a copy that was copied once more with what is around it is not in the pattern any more, and has no slot.
      const pairs = kept.map(([group, copy]) => [translation.slots[group] ?? 0, translation.slots[copy] ?? 0])
      const slots = pairs.filter((pair) => !pair.includes(0)).flat()
      if (translation.isExact || alphabet === 'unicode') return { translation, copies: slots }
      this.#plain = undefined
    }
    return { translation: translate(this.syntax.root, this.#facts, alphabet), copies: [] }
  }

  #searcher(alphabet: Alphabet): Searcher {
    const { translation, copies } = this.#translated(alphabet)
    try {
      const regExp = new RegExp(translation.source, alphabet === 'ascii' ? '' : 'v')
      // V8 compiles at the first search, and may find only then that the pattern is too big.
      regExp.test('\n')
      return { translation, regExp, copies }
    } catch (error) {
      throw new PatternError(`cannot be run by this engine: ${messageOf(error)}`)
    }
  }
}

interface Searcher {
  translation: Translation
  regExp: RegExp
  /** Slots of groups that are written more than once, in pairs: the group's, and that of another place where it may have taken part. */
  copies: readonly number[]
}

/** Whether a text is all ASCII: then, and only then, UTF-8 takes a byte for each unit. Measured: 10 GB/s, six times a regular expression. */
export const isAscii = (text: string): boolean => Buffer.byteLength(text) === text.length
