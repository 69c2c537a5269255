import type { Audit, Closure } from '../domain/enforcer.js'

const examplesMax = 10

/** What an audit has found so far. */
export interface AuditTally {
  wanted: number
  repaired: number
  removed: number
  trouble: string | undefined
  /** Not in force, or (`isThere`) with another end. */
  wrong(closure: Closure, isThere: boolean): void
  stranger(closure: Closure): void
  result(durationMs: number): Omit<Audit, 'rearranged'>
}

export function newTally(): AuditTally {
  const counts = { missing: 0, wrongEnd: 0, foreign: 0 }
  const examples: Audit['examples'] = { missing: [], foreign: [] }
  const note = (list: string[], { jail, ip }: Closure) => {
    if (list.length < examplesMax) list.push(`${jail} ${ip.text}`)
  }
  return {
    wanted: 0,
    repaired: 0,
    removed: 0,
    trouble: undefined,
    wrong(closure, isThere) {
      if (isThere) counts.wrongEnd++
      else {
        counts.missing++
        note(examples.missing, closure)
      }
    },
    stranger(closure) {
      counts.foreign++
      note(examples.foreign, closure)
    },
    result(durationMs) {
      const { wanted, repaired, removed, trouble } = this
      const enforced = wanted - Math.max(0, counts.missing + counts.wrongEnd - repaired)
      return { wanted, enforced, ...counts, removed, repaired, examples, trouble, durationMs }
    },
  }
}
