import { stepsOfCuriosity } from './dialect/machine.js'
import { isAscii } from './dialect/pattern.js'
import type { Node } from './dialect/syntax.js'
import type { Conversion } from './timestamp/convert.js'
import { DateDetector, type FoundDate, type StalledDate } from './timestamp/detector.js'
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
 *
 * A template such as `^[^\[]*\[…` asks of what stands before its first `[` only that it is no such bracket, and cannot match from another one: there the
 * characters are compared from the first bracket on, wherever it is.
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
  /** The character at which the key begins, at its first place in the line; -1: it begins with the line. */
  #lead = -1
  /** Where the key began in the line whose answer is in the fields. */
  #keyAt = 0
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

  /** Reads the date of the line from `start` to `end` (exclusive, without line end). `bytes`: the chunk where all of it is ASCII. */
  read(chunk: string, start: number, end: number, bytes?: Uint8Array): void {
    if (this.#key.length > 0 && this.#isAsBefore(chunk, start, end, bytes)) {
      this.#keyMisses = 0
      return
    }
    this.#search(chunk.slice(start, end))
  }

  /** After a stop: the template that was at work, told once; undefined: none was. */
  takeStalled(): StalledDate | undefined {
    this.#key = noKey
    return this.detector.takeStalled()
  }

  #isAsBefore(chunk: string, start: number, end: number, bytes: Uint8Array | undefined): boolean {
    if (this.#lead < 0)
      return bytes === undefined ? standsAt(this.#key, chunk, start) : standsInBytes(this.#key, bytes, start)
    let at = start
    while (at < end && chunk.charCodeAt(at) !== this.#lead) at++
    if (at + this.#key.length > end || !standsAt(this.#key, chunk, at)) return false
    const shift = at - start - this.#keyAt
    this.#keyAt += shift
    this.cutStart += shift
    this.cutEnd += shift
    return true
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
    // Where it takes too long to say nothing is lost: V8 has the answer already.
    if (machine.trySearch(line, stepsOfCuriosity) !== true) return
    if (machine.marks[0] !== found.start || machine.marks[1] !== found.end) return
    // It looked at the end of the line: the answer holds for this length only.
    if (machine.furthest > line.length) return
    this.#lead = leadOf(found.template.pattern.syntax.root)
    this.#keyAt = this.#lead < 0 ? 0 : line.indexOf(String.fromCharCode(this.#lead))
    if (this.#keyAt < 0 || this.#keyAt > found.cutStart) return
    this.#key = codesOf(line.slice(this.#keyAt, machine.furthest))
  }
}

/**
 * The ASCII character X of a pattern `^[^X]*X…`, of which no case matters; -1: it is no such pattern. What the loop takes ends before the first X, and at
 * every shorter end of it the next character is no X.
 */
function leadOf(root: Node): number {
  const [first, before, next] = root.type === 'sequence' ? root.items : []
  if (first?.type !== 'anchor' || first.at !== 'textStart') return -1
  if (before?.type !== 'repeat' || before.min !== 0 || before.max !== Number.POSITIVE_INFINITY) return -1
  const code = firstCode(next)
  const { body } = before
  if (code < 0 || code >= 128 || /[A-Za-z]/.test(String.fromCharCode(code))) return -1
  if (body.type !== 'set' || !body.negated || body.items.length !== 1) return -1
  const [item] = body.items
  return item !== undefined && !('kind' in item) && item.lo === code && item.hi === code ? code : -1
}

/** The one character that the node begins with; -1: there is none, or several. */
function firstCode(node: Node | undefined): number {
  if (node?.type === 'char') return node.code
  if (node?.type === 'capture') return firstCode(node.body)
  return node?.type === 'sequence' ? firstCode(node.items[0]) : -1
}

/** Whether the chunk has these characters at `start`. Measured: a third of the time of `startsWith`, which is made for all cases. */
function standsAt(key: Uint16Array, chunk: string, start: number): boolean {
  // From its end, where it differs most often: a date's seconds.
  for (let i = key.length - 1; i >= 0; i--) if (chunk.charCodeAt(start + i) !== key[i]) return false
  return true
}

/** The same in bytes, which are read in half the time. */
function standsInBytes(key: Uint16Array, bytes: Uint8Array, start: number): boolean {
  for (let i = key.length - 1; i >= 0; i--) if (bytes[start + i] !== key[i]) return false
  return true
}

function codesOf(text: string): Uint16Array<ArrayBuffer> {
  const codes = new Uint16Array(text.length)
  for (let i = 0; i < text.length; i++) codes[i] = text.charCodeAt(i)
  return codes
}
