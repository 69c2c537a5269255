import type { Ip } from '../domain/address.js'
import type { Closure, Drops, Enforcer, Reconciliation, Scope, TimedClosure } from '../domain/enforcer.js'
import type { Clock } from '../lib/clock.js'
import { checkJails, checkScopes } from './layout.js'

/** Ends that are no further apart are the same, as in the kernel. */
const sameEndMs = 2_000

/** Ended ones are swept out after this many closures, or as many as are live: memory stays below twice the live ones. */
const sweepEvery = 1_024

/** Keeps closures in memory and drops no packet: for trying a configuration out, and where no firewall can be had. */
export class MemoryEnforcer implements Enforcer {
  readonly kind = 'simulate'
  readonly #clock: Clock
  /** By jail, then by address; the end in epoch milliseconds. What has ended is forgotten when it is met or counted. */
  readonly #jails = new Map<string, Map<string, { ip: Ip; endMs: number }>>()

  #closedUntilSweep = sweepEvery

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock
  }

  async arrange(scopes: readonly Scope[]): Promise<void> {
    checkScopes(scopes)
    const names = new Set(scopes.map(({ jail }) => jail))
    for (const jail of this.#jails.keys()) if (!names.has(jail)) this.#jails.delete(jail)
    for (const jail of names) if (!this.#jails.has(jail)) this.#jails.set(jail, new Map())
  }

  async close(closures: readonly TimedClosure[]): Promise<void> {
    checkJails(closures, this.#jails)
    const nowMs = this.#clock.now()
    for (const { jail, ip, remainingMs } of closures)
      this.#jails.get(jail)?.set(ip.text, { ip, endMs: nowMs + (remainingMs ?? Number.POSITIVE_INFINITY) })
    this.#closedUntilSweep -= closures.length
    if (this.#closedUntilSweep <= 0) this.#forgetEnded()
  }

  async open(closures: readonly Closure[]): Promise<void> {
    for (const { jail, ip } of closures) this.#jails.get(jail)?.delete(ip.text)
  }

  async reconcile(wanted: readonly TimedClosure[]): Promise<Reconciliation> {
    checkJails(wanted, this.#jails)
    this.#forgetEnded()
    const nowMs = this.#clock.now()
    const total = { kept: 0, added: 0, removed: 0 }
    const named = new Map([...this.#jails.keys()].map((jail) => [jail, new Set<string>()]))
    for (const { jail, ip, remainingMs } of wanted) {
      named.get(jail)?.add(ip.text)
      const endMs = nowMs + (remainingMs ?? Number.POSITIVE_INFINITY)
      const found = this.#jails.get(jail)?.get(ip.text)
      if (found !== undefined && (found.endMs === endMs || Math.abs(found.endMs - endMs) <= sameEndMs)) total.kept++
      else {
        this.#jails.get(jail)?.set(ip.text, { ip, endMs })
        total.added++
      }
    }
    for (const [jail, closed] of this.#jails)
      for (const text of closed.keys())
        if (!named.get(jail)?.has(text)) {
          closed.delete(text)
          total.removed++
        }
    return total
  }

  async drops({ jail, ip }: Closure): Promise<Drops | undefined> {
    const found = this.#jails.get(jail)?.get(ip.text)
    return found !== undefined && found.endMs > this.#clock.now() ? { packets: 0, bytes: 0 } : undefined
  }

  async count(): Promise<Map<string, number>> {
    this.#forgetEnded()
    return new Map([...this.#jails].map(([jail, closed]) => [jail, closed.size]))
  }

  async clear(): Promise<void> {
    this.#jails.clear()
  }

  release(): void {}

  #forgetEnded(): void {
    const nowMs = this.#clock.now()
    for (const closed of this.#jails.values())
      for (const [text, { endMs }] of closed) if (endMs <= nowMs) closed.delete(text)
    const left = [...this.#jails.values()].reduce((sum, { size }) => sum + size, 0)
    this.#closedUntilSweep = Math.max(sweepEvery, left)
  }
}
