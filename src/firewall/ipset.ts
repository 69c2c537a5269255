import type { Closure, Drops, Enforcer, Reconciliation, Scope, TimedClosure } from '../domain/enforcer.js'
import type { Clock } from '../lib/clock.js'
import { InTurn } from '../lib/in-turn.js'
import { sumOf } from './drops.js'
import {
  addLine,
  createLine,
  elementsOf,
  namesOf,
  removeLine,
  type SavedElement,
  timeoutSeconds,
} from './ipset-layout.js'
import { dropsBySet, rulesText, tables } from './ipset-rules.js'
import type { IpsetTool } from './ipset-tool.js'
import { checkJails, checkScopes, setKinds } from './layout.js'

export interface IpsetOptions {
  clock: Clock
  tool: IpsetTool
}

/** Ends are whole seconds: rounded up when told, down when read. */
const sameEndMs = 3_000

/** One element that is wanted in a set. */
interface Wish {
  remainingMs: number | undefined
  closure: TimedClosure
}

/**
 * Closes through ipset(8) and iptables(8), for kernels without nf_tables. Every call is some processes; calls are made one after the
 * other. NOTE: neither program knows transactions over several sets. What is wrong in a call is found before anything is done; where
 * the kernel refuses in the midst of it (no memory, a full set), a part may have been done. The same call again, or `reconcile`, is
 * the way out. Ends are up to a second late.
 */
export class IpsetEnforcer implements Enforcer {
  readonly kind = 'ipset'
  readonly #clock: Clock
  readonly #tool: IpsetTool
  /** As last arranged; undefined: nothing is, or not any more. */
  #scopes: readonly Scope[] | undefined
  #jails: ReadonlySet<string> = new Set()
  readonly #turns = new InTurn()

  constructor({ clock, tool }: IpsetOptions) {
    this.#clock = clock
    this.#tool = tool
  }

  arrange(scopes: readonly Scope[]): Promise<void> {
    return this.#turns.run(async () => {
      checkScopes(scopes)
      await this.#putInPlace(scopes)
      this.#scopes = scopes
      this.#jails = new Set(scopes.map(({ jail }) => jail))
    })
  }

  close(closures: readonly TimedClosure[]): Promise<void> {
    return this.#turns.run(async () => {
      checkJails(closures, this.#jails)
      await this.#tool.restore(each(closures, (closure) => linesToClose(closure)))
    })
  }

  open(closures: readonly Closure[]): Promise<void> {
    return this.#turns.run(async () => {
      const known = closures.filter(({ jail }) => this.#jails.has(jail))
      await this.#tool.restore(each(known, linesToOpen))
    })
  }

  /** Puts back, too, what others have taken away of sets and rules. */
  reconcile(wanted: readonly TimedClosure[]): Promise<Reconciliation> {
    return this.#turns.run(async () => {
      checkJails(wanted, this.#jails)
      if (this.#scopes !== undefined) await this.#putInPlace(this.#scopes)
      const begunMs = this.#clock.now()
      const sizes = await this.#tool.sizes()
      const bySet = wishesBySet(wanted)
      const total = { kept: 0, added: 0, removed: 0 }
      for (const set of this.#sets()) {
        const missing = bySet.get(set) ?? new Map<string, Wish>()
        if ((sizes.get(set) ?? 0) === 0 && missing.size === 0) continue
        const passedMs = this.#clock.now() - begunMs
        const gone: string[] = []
        await this.#tool.eachElement(set, (found) => {
          const wish = missing.get(found.element)
          if (wish === undefined) {
            gone.push(removeLine(set, found.element))
            if (!found.isSecondHalf) total.removed++
          } else if (isSameEnd(wish, found, passedMs)) {
            missing.delete(found.element)
            if (!found.isSecondHalf) total.kept++
          }
        })
        const come = new Set([...missing.values()].map(({ closure }) => closure))
        total.added += come.size
        await this.#tool.restore(gone)
        await this.#tool.restore(each(come, (closure) => linesToClose(closure, passedMs)))
      }
      return total
    })
  }

  drops(closure: Closure): Promise<Drops | undefined> {
    return this.#turns.run(async () => {
      if (!this.#jails.has(closure.jail)) return undefined
      const { set, elements } = elementsOf(closure)
      const found: Drops[] = []
      if (elements.length === 1 && !(await this.#tool.has(set, elements[0] ?? ''))) return undefined
      // There is no way to ask a set for one element's counter.
      await this.#tool.eachElement(set, ({ element, packets, bytes }) => {
        if (elements.includes(element)) found.push({ packets, bytes })
      })
      return found.length < elements.length ? undefined : sumOf(found)
    })
  }

  count(): Promise<Map<string, number>> {
    return this.#turns.run(async () => {
      const sizes = await this.#tool.sizes()
      const counts = new Map<string, number>()
      for (const { jail } of this.#scopes ?? []) {
        let count = 0
        for (const set of namesOf(jail)) {
          const size = sizes.get(set) ?? 0
          count += size > 0 && set.startsWith('tocsin-n') ? await this.#closuresIn(set) : size
        }
        counts.set(jail, count)
      }
      return counts
    })
  }

  dropsByJail(): Promise<Map<string, Drops>> {
    return this.#turns.run(async () => {
      const found: Map<string, Drops>[] = []
      for (const table of tables)
        for (const family of this.#tool.families) found.push(dropsBySet(await this.#tool.rules(table, family, ['-c'])))
      return new Map(
        (this.#scopes ?? []).map(({ jail }) => [
          jail,
          sumOf(namesOf(jail).flatMap((set) => found.flatMap((bySet) => bySet.get(set) ?? []))),
        ]),
      )
    })
  }

  clear(): Promise<void> {
    return this.#turns.run(async () => {
      await this.#putInPlace([])
      this.#scopes = undefined
      this.#jails = new Set()
    })
  }

  release(): void {}

  /** Sets before the rules that ask them, and rules gone before the sets they asked. What is banned stays so all the while. */
  async #putInPlace(scopes: readonly Scope[]): Promise<void> {
    await this.#tool.restore(scopes.flatMap(({ jail }) => setKinds.map((kind) => createLine(kind, jail))))
    for (const table of tables)
      for (const family of this.#tool.families) {
        const text = rulesText(table, family, scopes, await this.#tool.rules(table, family))
        if (text !== undefined) await this.#tool.replaceRules(family, text)
      }
    const kept = new Set(scopes.flatMap(({ jail }) => namesOf(jail)))
    const strangers = (await this.#tool.setNames()).filter((name) => !kept.has(name))
    await this.#tool.restore(strangers.map((name) => `destroy ${name}`))
  }

  async #closuresIn(set: string): Promise<number> {
    let count = 0
    await this.#tool.eachElement(set, ({ isSecondHalf }) => {
      if (!isSecondHalf) count++
    })
    return count
  }

  #sets(): string[] {
    return (this.#scopes ?? []).flatMap(({ jail }) => namesOf(jail))
  }
}

/** Line by line, so that a million bans do not stand in memory as text. */
function* each<T>(items: Iterable<T>, linesOf: (item: T) => string[]): Generator<string> {
  for (const item of items) yield* linesOf(item)
}

function linesToClose(closure: TimedClosure, passedMs = 0): string[] {
  const { set, elements } = elementsOf(closure)
  const { remainingMs } = closure
  return elements.map((element) =>
    addLine(set, element, remainingMs === undefined ? undefined : remainingMs - passedMs),
  )
}

function linesToOpen(closure: Closure): string[] {
  const { set, elements } = elementsOf(closure)
  return elements.map((element) => removeLine(set, element))
}

/** Of several closings of one address the last counts. */
function wishesBySet(wanted: readonly TimedClosure[]): Map<string, Map<string, Wish>> {
  const bySet = new Map<string, Map<string, Wish>>()
  for (const closure of wanted) {
    const { set, elements } = elementsOf(closure)
    const wishes = bySet.get(set) ?? new Map<string, Wish>()
    bySet.set(set, wishes)
    for (const element of elements) wishes.set(element, { remainingMs: closure.remainingMs, closure })
  }
  return bySet
}

function isSameEnd({ remainingMs }: Wish, found: SavedElement, passedMs: number): boolean {
  const isForEver = timeoutSeconds(remainingMs) === 0
  if (isForEver || remainingMs === undefined || found.remainingMs === undefined)
    return isForEver === (found.remainingMs === undefined)
  return Math.abs(remainingMs - passedMs - found.remainingMs) <= sameEndMs
}
