import { sameFolded } from './case-fold.js'
import type { Program, Step } from './machine-code.js'
import { Registers } from './registers.js'
import { SearchedText } from './searched-text.js'

/** How many steps a search may take, about 50 ms; beyond it the search is given up. Bounds the stack and the trail as well (some 60 MB). */
const stepsMax = 2_000_000

/** Steps for those who would only like to know, some 0.5 ms: nearly every line needs a few hundred. */
export const stepsOfCuriosity = 20_000

/** The search was given up: the pattern takes too long on this text. */
export class SearchTooLong extends Error {}

/**
 * A backtracking matcher with Python's own rules, for what V8's cannot say, and as the oracle for what it can: groups in loops keep the
 * value of an earlier round, a reference to an unset group fails, a round that took nothing ends its loop. Some fifty times slower than V8.
 *
 * Keeps its ways back on its own stack, so that no text can overrun ours. Rules as in CPython 3.11's `_sre`.
 */
export class Machine {
  /** Begin and end of each group after a match, -1: not set; the whole match is group 0. */
  readonly marks: Int32Array
  readonly #program: Program
  readonly #registers: Registers
  #text = new SearchedText('')
  #stepsLeft = 0
  /** Ways back: step, position, height of the trail, lower bound (-1: not a run), and for a lazy run the rounds left. */
  readonly #ways: number[] = []

  constructor(program: Program) {
    this.#program = program
    this.#registers = new Registers(program)
    this.marks = this.#registers.marks
  }

  /** One more than the last position whose character was looked at in the last search; the end of the text counts as one. */
  get furthest(): number {
    return this.#text.furthest
  }

  /** As `search`, from the begin of the text; undefined: it takes too long to say. */
  trySearch(text: string, steps?: number): boolean | undefined {
    try {
      return this.search(text, 0, steps)
    } catch (error) {
      if (error instanceof SearchTooLong) return undefined
      throw error
    }
  }

  /** Searches the first match at or behind `from`. Throws SearchTooLong after so many steps. */
  search(text: string, from = 0, steps = stepsMax): boolean {
    this.#text = new SearchedText(text)
    this.#stepsLeft = steps
    for (let at = from; at <= text.length; at = this.#text.next(at)) {
      this.#registers.clear()
      this.#ways.length = 0
      const end = this.#run(0, at)
      if (end >= 0) {
        this.marks[0] = at
        this.marks[1] = end
        return true
      }
    }
    return false
  }

  /** Runs from a step up to the `end` that belongs to it; the position there, or -1. Ways back of its own are dropped at the end. */
  #run(from: number, begin: number): number {
    const { steps } = this.#program
    const floor = this.#ways.length
    let pc = from
    let at = begin
    for (;;) {
      if (--this.#stepsLeft < 0) throw new SearchTooLong('more than the steps a line may take')
      const step = steps[pc] as Step
      if (step.op === 'end') {
        this.#ways.length = floor
        return at
      }
      const next = this.#step(step, pc, at)
      if (next >= 0) {
        pc = this.#pc
        at = next
        continue
      }
      const back = this.#back(floor)
      if (back < 0) return -1
      pc = this.#pc
      at = back
    }
  }

  /** The step to take next, set by #step and #back beside the position they return. */
  #pc = 0

  /** Takes one step; the position behind it, or -1 when it fails. */
  #step(step: Step, pc: number, at: number): number {
    this.#pc = pc + 1
    switch (step.op) {
      case 'one':
        return this.#text.behind(step.set, at)
      case 'run':
        return step.isLazy ? this.#lazyRun(step, pc, at, step.min, step.max) : this.#greedyRun(step, at)
      case 'anchor':
        return this.#text.isAt(step.at, at) ? at : -1
      case 'boundary':
        return this.#text.isBoundary(step.word, at) !== step.negated ? at : -1
      case 'split':
        this.#addWay(step.to, at)
        return at
      case 'jump':
        this.#pc = step.to
        return at
      case 'open':
        this.#registers.open(step.group, at)
        return at
      case 'close':
        this.#registers.close(step.group, at)
        return at
      case 'loop':
        this.#registers.setRounds(step.register, -1)
        this.#registers.setLastRound(step.register, -1)
        return at
      case 'until':
        return this.#until(step, pc, at)
      case 'again':
        this.#registers.setRounds(step.register, this.#registers.rounds(step.register) + 1)
        this.#registers.setLastRound(step.register, at)
        return at
      case 'inner':
        return this.#inner(step, pc, at)
      case 'reference':
        return this.#reference(step, at)
      case 'condition':
        if (!this.#registers.isSet(step.group)) this.#pc = step.no
        return at
      default:
        return -1
    }
  }

  #until(step: Extract<Step, { op: 'until' }>, pc: number, at: number): number {
    const count = this.#registers.rounds(step.register) + 1
    if (count < step.min) {
      this.#registers.setRounds(step.register, count)
      this.#pc = pc + 2
      return at
    }
    const mayGoOn = count < step.max && at !== this.#registers.lastRound(step.register)
    if (step.isLazy) {
      if (mayGoOn) this.#addWay(pc + 1, at)
      this.#pc = step.tail
      return at
    }
    if (mayGoOn) this.#addWay(step.tail, at)
    else this.#pc = step.tail
    return at
  }

  #greedyRun(step: Extract<Step, { op: 'run' }>, begin: number): number {
    let at = begin
    let least = begin
    let count = 0
    for (; count < step.max; count++) {
      if (count === step.min) least = at
      const next = this.#text.behind(step.set, at)
      if (next < 0) break
      at = next
    }
    if (count < step.min) return -1
    if (count === step.min) least = at
    if (at > least) this.#ways.push(this.#pc, at, this.#registers.height, least, 0)
    this.#stepsLeft -= count >> 3
    return at
  }

  #lazyRun(step: Extract<Step, { op: 'run' }>, pc: number, begin: number, min: number, max: number): number {
    let at = begin
    for (let i = 0; i < min; i++) {
      at = this.#text.behind(step.set, at)
      if (at < 0) return -1
    }
    if (max > min) this.#ways.push(pc, at, this.#registers.height, -2, max - min)
    return at
  }

  #inner(step: Extract<Step, { op: 'inner' }>, pc: number, at: number): number {
    const height = this.#registers.height
    const begin = step.back === 0 ? at : this.#text.before(at, step.back)
    const end = begin < 0 ? -1 : this.#run(pc + 1, begin)
    this.#pc = step.after
    if (step.kind !== 'not') return end < 0 ? -1 : step.kind === 'atomic' ? end : at
    this.#registers.undo(height)
    return end < 0 ? at : -1
  }

  #reference(step: Extract<Step, { op: 'reference' }>, at: number): number {
    if (!this.#registers.isSet(step.group)) return -1
    const begin = this.marks[2 * step.group] ?? -1
    const end = this.marks[2 * step.group + 1] ?? -1
    const wanted = this.#text.text.slice(begin, end)
    const found = this.#text.pieceLike(wanted, at)
    const isSame = step.fold === 'none' ? found === wanted : sameFolded(found, wanted, step.fold)
    return isSame ? at + wanted.length : -1
  }

  /** Takes the latest way back above `floor`; the position there, or -1 when there is none. */
  #back(floor: number): number {
    const ways = this.#ways
    while (ways.length > floor) {
      const top = ways.length - 5
      const pc = ways[top] ?? 0
      const at = ways[top + 1] ?? 0
      const height = ways[top + 2] ?? 0
      const bound = ways[top + 3] ?? 0
      this.#registers.undo(height)
      this.#pc = pc
      if (bound === -1) {
        ways.length = top
        return at
      }
      if (bound >= 0) {
        const before = this.#text.before(at, 1)
        if (before <= bound) ways.length = top
        else ways[top + 1] = before
        return before
      }
      const roundsLeft = ways[top + 4] ?? 0
      ways.length = top
      const step = this.#program.steps[pc] as Extract<Step, { op: 'run' }>
      const next = this.#text.behind(step.set, at)
      if (next < 0) continue
      if (roundsLeft > 1) ways.push(pc, next, height, -2, roundsLeft - 1)
      this.#pc = pc + 1
      return next
    }
    return -1
  }

  /** A way to be taken when the one that is taken now fails. */
  #addWay(pc: number, at: number): void {
    this.#ways.push(pc, at, this.#registers.height, -1, 0)
  }
}
