import type { Program } from './machine-code.js'

/** What the machine remembers of groups and loops. Every change can be taken back: it is on the trail. */
export class Registers {
  /** Begin and end of each group, -1: not set; the whole match is group 0. */
  readonly marks: Int32Array
  /** All registers: the marks, then the rest. */
  readonly #values: Int32Array
  readonly #begins: number
  readonly #counts: number
  readonly #lasts: number
  /** What was changed since: which register, and the value before. */
  readonly #trail: number[] = []

  constructor({ groups, loops }: Program) {
    this.#begins = 2 * (groups + 1)
    this.#counts = this.#begins + groups + 1
    this.#lasts = this.#counts + loops
    this.#values = new Int32Array(this.#lasts + loops)
    this.marks = this.#values.subarray(0, this.#begins)
  }

  /** How far the trail goes; `undo` goes back to there. */
  get height(): number {
    return this.#trail.length
  }

  /** Forgets the groups, and what could be taken back. */
  clear(): void {
    this.marks.fill(-1)
    this.#trail.length = 0
  }

  open(group: number, at: number): void {
    this.#set(this.#begins + group, at)
  }

  close(group: number, at: number): void {
    this.#set(2 * group, this.#values[this.#begins + group] ?? -1)
    this.#set(2 * group + 1, at)
  }

  /** Whether a group has a text. One that was opened again behind its old end counts as unset until it is closed. */
  isSet(group: number): boolean {
    const end = this.marks[2 * group + 1] ?? -1
    return end >= 0 && end >= (this.#values[this.#begins + group] ?? 0)
  }

  /** Rounds of a loop so far, -1 before its first; and where the last one began. */
  rounds(loop: number): number {
    return this.#values[this.#counts + loop] ?? 0
  }

  lastRound(loop: number): number {
    return this.#values[this.#lasts + loop] ?? 0
  }

  setRounds(loop: number, count: number): void {
    this.#set(this.#counts + loop, count)
  }

  setLastRound(loop: number, at: number): void {
    this.#set(this.#lasts + loop, at)
  }

  undo(height: number): void {
    const trail = this.#trail
    while (trail.length > height) {
      const value = trail.pop() ?? 0
      this.#values[trail.pop() ?? 0] = value
    }
  }

  #set(register: number, value: number): void {
    this.#trail.push(register, this.#values[register] ?? 0)
    this.#values[register] = value
  }
}
