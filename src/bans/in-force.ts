import { setImmediate } from 'node:timers/promises'
import type { Enforcer, TimedClosure } from '../domain/enforcer.js'
import type { Clock } from '../lib/clock.js'
import { closeMany } from './close-many.js'
import { closureOf } from './deliveries.js'
import type { LiveBans } from './live-bans.js'
import type { RestoreStep } from './restore.js'

/** Closures in one call. */
const closedAtOnce = 4000
/** Up to so many bans, the enforcer compares what it has with all of them; a million closures at once would be 600 MB, and take 10 s. */
const comparedMax = 100_000

export interface InForceOptions {
  clock: Clock
  enforcer: Enforcer
  live: LiveBans
  /** Whether the enforcer makes the jail's bans real. */
  isInKernel(jail: string): boolean
}

/**
 * Makes the enforcer hold all live bans at once: at a start, and when its scopes have changed. NOTE: where very many are in force already,
 * they are taken for ours by their number; what may be wrong among them is left to the audit.
 */
export class InForce {
  readonly #options: InForceOptions

  constructor(options: InForceOptions) {
    this.#options = options
  }

  /** Closes what comes from the store as soon as it has been read. `isStart`: nobody bans or lifts meanwhile. Returns how many bans were taken up. */
  async follow(
    jails: Iterable<[jail: string, steps: Iterable<RestoreStep>]>,
    { isStart }: { isStart: boolean },
  ): Promise<number> {
    const { enforcer, isInKernel } = this.#options
    const before = await enforcer.count()
    let taken = 0
    // The kernel takes one part in while the next is read.
    let closing = Promise.resolve()
    for (const [jail, steps] of jails) {
      const held = before.get(jail) ?? 0
      for (const step of steps) {
        taken += step.taken
        await closing
        if (isInKernel(jail) && held > 0 && step.declined.length > 0) await enforcer.open(step.declined)
        if (isInKernel(jail) && held <= comparedMax && step.closures.length > 0)
          closing = this.#close(step.closures, isStart)
        await setImmediate()
      }
    }
    await closing
    await this.settle()
    return taken
  }

  /** Closes what is not in force, and opens what should not be. */
  async settle(): Promise<void> {
    const { enforcer, live, isInKernel } = this.#options
    const held = await enforcer.count()
    const jails = new Set([...held.keys(), ...live.jails().filter(isInKernel)])
    if ([...jails].every((jail) => (held.get(jail) ?? 0) === live.count(jail))) return
    if (live.counts().live <= comparedMax) {
      await enforcer.reconcile([...this.#closures(() => true)].flat())
      return
    }
    const isLacking = (jail: string) => (held.get(jail) ?? 0) < live.count(jail)
    for (const part of this.#closures(isLacking)) {
      await enforcer.close(part)
      await setImmediate()
    }
  }

  #close(closures: readonly TimedClosure[], isStart: boolean): Promise<void> {
    const { enforcer } = this.#options
    const closing = isStart ? closeMany(enforcer, closures) : enforcer.close(closures)
    // Looked at when the next part has been read.
    closing.catch(() => {})
    return closing
  }

  /** NOTE: each part is as of the moment when it is asked for. */
  *#closures(isMeant: (jail: string) => boolean): Iterable<TimedClosure[]> {
    const { live, clock, isInKernel } = this.#options
    let part: TimedClosure[] = []
    for (const jail of live.jails()) {
      if (!isInKernel(jail) || !isMeant(jail)) continue
      for (const ban of live.of(jail)) {
        const closure = closureOf(ban, clock.now())
        if (closure !== undefined) part.push(closure)
        if (part.length < closedAtOnce) continue
        yield part
        part = []
      }
    }
    if (part.length > 0) yield part
  }
}
