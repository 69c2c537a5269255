import { type Machine, SearchTooLong } from './dialect/machine.js'
import { isAscii } from './dialect/pattern.js'
import type { Conversion } from './timestamp/convert.js'
import { DateDetector, type FoundDate } from './timestamp/detector.js'
import type { DateTemplate } from './timestamp/template.js'

/**
 * How the search for a date ended: found; found empty (`{NONE}`, `…()**`: the line has none of its own); none; one that cannot be (30 February); or one that makes
 * Fail2ban drop the line (an unknown zone).
 */
export type DateOutcome = 'dated' | 'empty' | 'none' | 'invalid' | 'broken'

/** Learning the key costs one run of our own machine, some 10 µs; after so many lines of which each had another date it is tried rarely. */
const keyTriesMax = 4
const keyTryInterval = 64
const noKey = new Uint16Array(0)

/**
 * Reads the date of line after line. The result is in its own fields, so that a line costs no object.
 *
 * Lines come in bursts with the same date. Our machine tells how far into the line the template had to look (`furthest`); a line that begins with
 * the same characters up to there gets the same answer without being looked at again.
 */
export class LineDates {
  outcome: DateOutcome = 'none'
  /** What is cut out of the line, as offsets from its begin. */
  cutStart = 0
  cutEnd = 0
  /** Epoch milliseconds; only for `dated`. */
  timeMs = 0
  /** What was found last, for those who explain; undefined after a line without a date. */
  found: FoundDate | undefined
  readonly detector: DateDetector
  readonly #zoneDefault: number | undefined
  #nowMs = 0
  #key = noKey
  #isAssumed = false
  #keyMisses = 0

  constructor(templates: readonly DateTemplate[], zoneDefault: number | undefined) {
    this.detector = new DateDetector(templates)
    this.#zoneDefault = zoneDefault
  }

  /** To be called when the clock has moved on. */
  setNow(nowMs: number): void {
    if (nowMs === this.#nowMs) return
    this.#nowMs = nowMs
    // A year or a day was assumed: at another time it may be another one.
    if (this.#isAssumed) this.#key = noKey
  }

  /** Reads the date of the line from `start` to `end` (exclusive, without line end). */
  read(chunk: string, start: number, end: number): void {
    if (this.#key.length > 0 && standsAt(this.#key, chunk, start)) {
      this.#keyMisses = 0
      return
    }
    this.#search(chunk.slice(start, end))
  }

  /** After a stop: takes the template that was running, if one was, out of use. */
  dropStalled(): boolean {
    this.#key = noKey
    return this.detector.dropRunning()
  }

  #search(line: string): void {
    this.#key = noKey
    this.#isAssumed = false
    const found = this.detector.find(line, isAscii(line), this.#nowMs)
    this.found = found
    if (found === undefined) {
      this.outcome = 'none'
      return
    }
    this.cutStart = found.cutStart
    this.cutEnd = found.cutEnd
    if (found.cutStart === found.cutEnd) {
      this.outcome = 'empty'
      return
    }
    this.#take(found.template.convert(found, this.#nowMs, this.#zoneDefault))
    if (this.outcome === 'dated') this.#learnKey(line, found)
  }

  #take(conversion: Conversion): void {
    if (typeof conversion === 'string') {
      this.outcome = conversion
      return
    }
    this.outcome = 'dated'
    this.timeMs = conversion.timeMs
    this.#isAssumed = conversion.isAssumed
  }

  #learnKey(line: string, found: FoundDate): void {
    if (this.detector.settled !== found.template) return
    this.#keyMisses++
    if (this.#keyMisses > keyTriesMax && this.#keyMisses % keyTryInterval !== 0) return
    const { machine } = found.template.pattern
    if (!searches(machine, line) || machine.marks[0] !== found.start || machine.marks[1] !== found.end) return
    // It looked at the end of the line: the answer holds for this length only.
    if (machine.furthest > line.length) return
    this.#key = codesOf(line.slice(0, machine.furthest))
  }
}

/** Whether the chunk has these characters at `start`. Measured: a third of the time of `startsWith`, which is made for all cases. */
function standsAt(key: Uint16Array, chunk: string, start: number): boolean {
  // From its end, where it differs most often: a date's seconds.
  for (let i = key.length - 1; i >= 0; i--) if (chunk.charCodeAt(start + i) !== key[i]) return false
  return true
}

function codesOf(text: string): Uint16Array<ArrayBuffer> {
  const codes = new Uint16Array(text.length)
  for (let i = 0; i < text.length; i++) codes[i] = text.charCodeAt(i)
  return codes
}

/** Whether the machine finds something; false too when it takes too long, for V8 has the answer already. */
function searches(machine: Machine, line: string): boolean {
  try {
    return machine.search(line)
  } catch (error) {
    if (error instanceof SearchTooLong) return false
    throw error
  }
}
