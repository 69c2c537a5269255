import type { Closure, Drops, Enforcer } from '../domain/enforcer.js'

/** What each jail has kept out, counted on where the kernel's counters begin anew because somebody has removed them. */
export class JailDrops {
  readonly #enforcer: Enforcer
  readonly #jails = new Map<string, { before: Drops; last: Drops }>()

  constructor(enforcer: Enforcer) {
    this.#enforcer = enforcer
  }

  /** By jail; undefined where the enforcer cannot say, or not now. One look at the kernel, whatever the number of bans. */
  async read(): Promise<ReadonlyMap<string, Drops> | undefined> {
    let counted: ReadonlyMap<string, Drops> | undefined
    try {
      counted = await this.#enforcer.dropsByJail?.()
    } catch {
      // A status without these figures is better than none; what ails the kernel is told elsewhere.
    }
    return counted && new Map([...counted].map(([jail, drops]) => [jail, this.#total(jail, drops)]))
  }

  /** Of one ban; undefined where it is not in force, or its jail counts them all together. */
  async of(closure: Closure): Promise<Drops | undefined> {
    const drops = await this.#enforcer.drops(closure)
    return drops === 'uncounted' ? undefined : drops
  }

  #total(jail: string, now: Drops): Drops {
    const { before, last } = this.#jails.get(jail) ?? { before: none, last: none }
    const base = now.packets < last.packets ? sum(before, last) : before
    this.#jails.set(jail, { before: base, last: now })
    return sum(base, now)
  }
}

const none: Drops = { packets: 0, bytes: 0 }

function sum(a: Drops, b: Drops): Drops {
  return { packets: a.packets + b.packets, bytes: a.bytes + b.bytes }
}
