import type { TimedClosure } from '../domain/enforcer.js'
import { kernelTimeoutMs } from './layout.js'
import type { DumpedElement, Element } from './netlink/elements.js'
import { type ElementKey, keyOf } from './touched-keys.js'

/** Ends that are no further apart are the same: clocks tick differently, and the kernel rounds. */
const sameEndMs = 2_000

/** Compares the elements of one set of addresses, as they are read, with the closures that are wanted there. */
export class AddressComparison {
  kept = 0
  /** Elements that nobody wants. */
  readonly strangers: Element[] = []
  /** Undefined: met already. A set that grows while it is read may show an element twice. */
  readonly #wanted = new Map<ElementKey, TimedClosure | undefined>()
  readonly #wrong: TimedClosure[] = []

  constructor(wanted: readonly TimedClosure[]) {
    for (const closure of wanted) this.#wanted.set(keyOf(closure.ip.bytes), closure)
  }

  get size(): number {
    return this.#wanted.size
  }

  /** `passedMs` is the time since the wanted closures were handed in. */
  visit(element: DumpedElement, passedMs: number): void {
    const key = keyOf(element.key)
    const closure = this.#wanted.get(key)
    if (closure === undefined) {
      if (!this.#wanted.has(key)) this.strangers.push({ key: Uint8Array.from(element.key) })
      return
    }
    this.#wanted.set(key, undefined)
    if (isSameEnd((closure.remainingMs ?? Number.POSITIVE_INFINITY) - passedMs, element.remainingMs)) this.kept++
    else this.#wrong.push(closure)
  }

  /** What was not met; after everything was read: what is missing. */
  *unmet(): Generator<TimedClosure> {
    for (const closure of this.#wanted.values()) if (closure !== undefined) yield closure
  }

  /** What has to be closed (again): with another end, or not there. */
  toClose(): TimedClosure[] {
    return [...this.#wrong, ...this.unmet()]
  }
}

export function isSameEnd(wantedMs: number, foundMs: number | undefined, toleranceMs = sameEndMs): boolean {
  const isForEver = kernelTimeoutMs(wantedMs) === 0
  if (isForEver || foundMs === undefined) return isForEver === (foundMs === undefined)
  return Math.abs(wantedMs - foundMs) <= toleranceMs
}
