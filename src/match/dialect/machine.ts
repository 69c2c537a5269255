import { sameFolded } from './case-fold.js'
import type { CharTest, Program, Step } from './machine-code.js'
import type { Anchor } from './syntax.js'

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
  /** One more than the last position whose character was looked at; the end of the text counts as one. */
  furthest = 0
  readonly #program: Program
  readonly #begins: Int32Array
  readonly #counts: Int32Array
  readonly #lasts: Int32Array
  /** The arrays that the trail names by number. */
  readonly #arrays: readonly Int32Array[]
  #text = ''
  #stepsLeft = 0
  /** Ways back: step, position, height of the trail, lower bound (-1: not a run), and for a lazy run the rounds left. */
  readonly #ways: number[] = []
  /** What was changed since: which array, which place, the value before. */
  readonly #trail: number[] = []

  constructor(program: Program) {
    this.#program = program
    this.marks = new Int32Array(2 * (program.groups + 1))
    this.#begins = new Int32Array(program.groups + 1)
    this.#counts = new Int32Array(program.loops)
    this.#lasts = new Int32Array(program.loops)
    this.#arrays = [this.#begins, this.marks, this.#counts, this.#lasts]
  }

  /** Searches the first match at or behind `from`. Throws SearchTooLong after so many steps. */
  search(text: string, from = 0, steps = stepsMax): boolean {
    this.#text = text
    this.#stepsLeft = steps
    this.furthest = 0
    for (let at = from; at <= text.length; at = this.#forward(at)) {
      this.marks.fill(-1)
      this.#ways.length = 0
      this.#trail.length = 0
      const end = this.#run(0, at)
      if (end >= 0) {
        this.marks[0] = at
        this.marks[1] = end
        return true
      }
    }
    return false
  }

  #forward(at: number): number {
    return at + (at < this.#text.length && isPair(this.#text, at) ? 2 : 1)
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
        return this.#one(step.set, at)
      case 'run':
        return step.isLazy ? this.#lazyRun(step, pc, at, step.min, step.max) : this.#greedyRun(step, at)
      case 'anchor':
        return this.#isAt(step.at, at) ? at : -1
      case 'boundary':
        return (this.#isWord(step.word, this.#before(at, 1)) !== this.#isWord(step.word, at)) !== step.negated ? at : -1
      case 'split':
        this.#ways.push(step.to, at, this.#trail.length, -1, 0)
        return at
      case 'jump':
        this.#pc = step.to
        return at
      case 'open':
        this.#set(this.#begins, 0, step.group, at)
        return at
      case 'close':
        this.#set(this.marks, 1, 2 * step.group, this.#begins[step.group] ?? -1)
        this.#set(this.marks, 1, 2 * step.group + 1, at)
        return at
      case 'loop':
        this.#set(this.#counts, 2, step.register, -1)
        this.#set(this.#lasts, 3, step.register, -1)
        return at
      case 'until':
        return this.#until(step, pc, at)
      case 'again':
        this.#set(this.#counts, 2, step.register, (this.#counts[step.register] ?? 0) + 1)
        this.#set(this.#lasts, 3, step.register, at)
        return at
      case 'inner':
        return this.#inner(step, pc, at)
      case 'reference':
        return this.#reference(step, at)
      case 'condition':
        if (!this.#isSet(step.group)) this.#pc = step.no
        return at
      default:
        return -1
    }
  }

  #until(step: Extract<Step, { op: 'until' }>, pc: number, at: number): number {
    const count = (this.#counts[step.register] ?? 0) + 1
    if (count < step.min) {
      this.#set(this.#counts, 2, step.register, count)
      this.#pc = pc + 2
      return at
    }
    const mayGoOn = count < step.max && at !== this.#lasts[step.register]
    if (step.isLazy) {
      if (mayGoOn) this.#ways.push(pc + 1, at, this.#trail.length, -1, 0)
      this.#pc = step.tail
      return at
    }
    if (mayGoOn) this.#ways.push(step.tail, at, this.#trail.length, -1, 0)
    else this.#pc = step.tail
    return at
  }

  #greedyRun(step: Extract<Step, { op: 'run' }>, begin: number): number {
    let at = begin
    let least = begin
    let count = 0
    for (; count < step.max; count++) {
      if (count === step.min) least = at
      const next = this.#one(step.set, at)
      if (next < 0) break
      at = next
    }
    if (count < step.min) return -1
    if (count === step.min) least = at
    if (at > least) this.#ways.push(this.#pc, at, this.#trail.length, least, 0)
    this.#stepsLeft -= count >> 3
    return at
  }

  #lazyRun(step: Extract<Step, { op: 'run' }>, pc: number, begin: number, min: number, max: number): number {
    let at = begin
    for (let i = 0; i < min; i++) {
      at = this.#one(step.set, at)
      if (at < 0) return -1
    }
    if (max > min) this.#ways.push(pc, at, this.#trail.length, -2, max - min)
    return at
  }

  #inner(step: Extract<Step, { op: 'inner' }>, pc: number, at: number): number {
    const height = this.#trail.length
    const begin = step.back === 0 ? at : this.#before(at, step.back)
    const end = begin < 0 ? -1 : this.#run(pc + 1, begin)
    this.#pc = step.after
    if (step.kind !== 'not') return end < 0 ? -1 : step.kind === 'atomic' ? end : at
    this.#undo(height)
    return end < 0 ? at : -1
  }

  /** Whether a group has a text. One that was opened again behind its old end counts as unset until it is closed. */
  #isSet(group: number): boolean {
    const end = this.marks[2 * group + 1] ?? -1
    return end >= 0 && end >= (this.#begins[group] ?? 0)
  }

  #reference(step: Extract<Step, { op: 'reference' }>, at: number): number {
    if (!this.#isSet(step.group)) return -1
    const begin = this.marks[2 * step.group] ?? -1
    const end = this.marks[2 * step.group + 1] ?? -1
    const wanted = this.#text.slice(begin, end)
    const found = this.#text.slice(at, at + wanted.length)
    this.furthest = Math.max(this.furthest, at + wanted.length + 1)
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
      this.#undo(height)
      this.#pc = pc
      if (bound === -1) {
        ways.length = top
        return at
      }
      if (bound >= 0) {
        const before = this.#before(at, 1)
        if (before <= bound) ways.length = top
        else ways[top + 1] = before
        return before
      }
      const roundsLeft = ways[top + 4] ?? 0
      ways.length = top
      const step = this.#program.steps[pc] as Extract<Step, { op: 'run' }>
      const next = this.#one(step.set, at)
      if (next < 0) continue
      if (roundsLeft > 1) ways.push(pc, next, height, -2, roundsLeft - 1)
      this.#pc = pc + 1
      return next
    }
    return -1
  }

  #one(set: CharTest, at: number): number {
    if (at >= this.furthest) this.furthest = at + 1
    if (at >= this.#text.length) return -1
    const unit = this.#text.charCodeAt(at)
    if (unit < 128) return set.ascii[unit] === 1 ? at + 1 : -1
    const code = this.#text.codePointAt(at) ?? unit
    return set.others(code) ? at + (code > 0xffff ? 2 : 1) : -1
  }

  #isAt(anchor: Anchor, at: number): boolean {
    const text = this.#text
    if (anchor === 'textStart') return at === 0
    if (anchor === 'lineStart') return at === 0 || text.charCodeAt(at - 1) === 10
    this.furthest = Math.max(this.furthest, at + 1)
    const isEnd = at === text.length
    if (anchor === 'textEnd' || isEnd) return isEnd
    if (text.charCodeAt(at) !== 10) return false
    if (anchor === 'lineEnd') return true
    this.furthest = Math.max(this.furthest, at + 2)
    return at === text.length - 1
  }

  #isWord(word: CharTest, at: number): boolean {
    return at >= 0 && this.#one(word, at) >= 0
  }

  /** The position `count` characters before `at`; -1: before the begin. */
  #before(at: number, count: number): number {
    let before = at
    for (let i = 0; i < count; i++) {
      if (before <= 0) return -1
      before -= before > 1 && isPair(this.#text, before - 2) ? 2 : 1
    }
    return before
  }

  #set(array: Int32Array, which: number, place: number, value: number): void {
    this.#trail.push(which, place, array[place] ?? 0)
    array[place] = value
  }

  #undo(height: number): void {
    const trail = this.#trail
    while (trail.length > height) {
      const value = trail.pop() ?? 0
      const place = trail.pop() ?? 0
      const array = this.#arrays[trail.pop() ?? 0]
      if (array !== undefined) array[place] = value
    }
  }
}

function isPair(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00
}
