import { isNodeName } from './member.js'
import type { Mark, Sequences } from './sequence.js'
import type { Judge } from './trust/judge.js'
import { isKeptStanding, type KeptStanding } from './trust/standing.js'
import type { NodeName } from './word.js'

/** What is known of members beyond the roster: how far they have counted, and who did not behave. */
export interface Remembered {
  marks: Mark[]
  standings: Map<NodeName, KeptStanding>
}

/** As text, to be kept over a restart: about 80 bytes a member. */
export function rememberedText({ sequences, judge }: { sequences: Sequences; judge: Judge }, nowMs: number): string {
  return JSON.stringify({ version: 1, marks: sequences.marks(), standings: [...judge.kept(nowMs)] })
}

/** Undefined: it is not such a text. Then everybody begins anew, which lets a word be told twice and forgives whoever misbehaved: say so. */
export function recalled(text: string): Remembered | undefined {
  try {
    const raw: unknown = JSON.parse(text)
    if (typeof raw !== 'object' || raw === null || !('version' in raw) || raw.version !== 1) return undefined
    const { marks, standings } = raw as { marks?: unknown; standings?: unknown }
    if (!Array.isArray(marks) || !Array.isArray(standings)) return undefined
    return { marks: marks.filter(isMark), standings: new Map(standings.filter(isEntry)) }
  } catch {
    return undefined // A file that was cut off: the caller tells.
  }
}

function isMark(raw: unknown): raw is Mark {
  if (typeof raw !== 'object' || raw === null) return false
  const { node, sinceMs, newest, newestAtMs } = raw as Record<string, unknown>
  return isNodeName(node) && [sinceMs, newest, newestAtMs].every((value) => Number.isSafeInteger(value))
}

function isEntry(raw: unknown): raw is [NodeName, KeptStanding] {
  return Array.isArray(raw) && raw.length === 2 && isNodeName(raw[0]) && isKeptStanding(raw[1])
}
