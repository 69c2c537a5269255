import { isNodeName } from './member.js'
import type { Roster } from './roster.js'
import type { Mark, Sequences } from './sequence.js'
import type { Parcel } from './transport.js'
import type { Judge } from './trust/judge.js'
import { isKeptStanding, type KeptStanding } from './trust/standing.js'
import type { NodeName } from './word.js'

/** What is known of members: how far they have counted, who did not behave, and what ends a membership. */
export interface Remembered {
  marks: Mark[]
  standings: Map<NodeName, KeptStanding>
  /** Revocations: a key that is out stays out, even if nobody tells of it any more. Missing: there is none. */
  certificates?: Parcel[]
}

interface Known {
  sequences: Sequences
  judge: Judge
  roster?: Roster
}

/** As text, to be kept over a restart: about 80 bytes a member. */
export function rememberedText({ sequences, judge, roster }: Known, nowMs: number): string {
  const ending = roster?.certificates().filter(({ subject }) => !subject.startsWith('ctl.member.')) ?? []
  const certificates = ending.map(({ subject, body }) => [subject, Buffer.from(body).toString('base64url')])
  return JSON.stringify({
    version: 1,
    marks: sequences.marks(),
    standings: [...judge.kept(nowMs)],
    ...(certificates.length > 0 && { certificates }),
  })
}

/** Undefined: it is not such a text. Then everybody begins anew, which lets a word be told twice and forgives whoever misbehaved: say so. */
export function recalled(text: string): Remembered | undefined {
  try {
    const raw: unknown = JSON.parse(text)
    if (typeof raw !== 'object' || raw === null || !('version' in raw) || raw.version !== 1) return undefined
    const { marks, standings, certificates } = raw as Record<string, unknown>
    if (!Array.isArray(marks) || !Array.isArray(standings)) return undefined
    const known = { marks: marks.filter(isMark), standings: new Map(standings.filter(isEntry)) }
    return Array.isArray(certificates) ? { ...known, certificates: certificates.flatMap(parcelOf) } : known
  } catch {
    return undefined // A file that was cut off: the caller tells.
  }
}

/** Whether it is signed by a root is for the roster to see. */
function parcelOf(raw: unknown): Parcel[] {
  const [subject, body]: unknown[] = Array.isArray(raw) ? raw : []
  return typeof subject === 'string' && typeof body === 'string'
    ? [{ subject, body: Buffer.from(body, 'base64url') }]
    : []
}

function isMark(raw: unknown): raw is Mark {
  if (typeof raw !== 'object' || raw === null) return false
  const { node, sinceMs, newest, newestAtMs } = raw as Record<string, unknown>
  return isNodeName(node) && [sinceMs, newest, newestAtMs].every((value) => Number.isSafeInteger(value))
}

function isEntry(raw: unknown): raw is [NodeName, KeptStanding] {
  return Array.isArray(raw) && raw.length === 2 && isNodeName(raw[0]) && isKeptStanding(raw[1])
}
