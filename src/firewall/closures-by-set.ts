import type { Closure } from '../domain/enforcer.js'
import { kindOf, type SetKind, setName } from './layout.js'

export interface ClosuresOfSet<T extends Closure> {
  set: string
  jail: string
  kind: SetKind
  closures: T[]
}

/** Closures by the sets they belong to. A start has a million: so no text is made for each. */
export function closuresBySet<T extends Closure>(closures: Iterable<T>): ClosuresOfSet<T>[] {
  const byJail = new Map<string, Map<SetKind, ClosuresOfSet<T>>>()
  const groups: ClosuresOfSet<T>[] = []
  for (const closure of closures) {
    const { jail, ip } = closure
    const kinds = byJail.get(jail) ?? new Map<SetKind, ClosuresOfSet<T>>()
    if (kinds.size === 0) byJail.set(jail, kinds)
    const kind = kindOf(ip)
    const group = kinds.get(kind)
    if (group !== undefined) {
      group.closures.push(closure)
      continue
    }
    const made = { set: setName(kind, jail), jail, kind, closures: [closure] }
    kinds.set(kind, made)
    groups.push(made)
  }
  return groups
}
