import { parseIp } from '../domain/address.js'
import { addressToken, bansSubject, batchSubject, sightSubject } from './message/subject.js'
import type { NodeName, Word } from './word.js'

/** Words that go as one message. */
export interface Group {
  road: Road
  subject: string
  words: Word[]
  from: number
  to: number
}

/** A row of the outbox. Undefined: no word. Our own file, so only what we rely on here is looked at; receivers check the rest. */
export function wordOf(text: string, { seq, node }: { seq: number; node: NodeName }): Word | undefined {
  try {
    const raw: unknown = JSON.parse(text)
    if (typeof raw !== 'object' || raw === null || !('kind' in raw) || !('ip' in raw)) return undefined
    const isKind = raw.kind === 'ban' || raw.kind === 'unban' || raw.kind === 'sighting'
    if (!isKind || typeof raw.ip !== 'string' || parseIp(raw.ip) === undefined) return undefined
    // NOTE: JSON has no undefined: a missing `untilMs` of a ban is permanent, a missing `jail` of an unban all jails.
    return { ...raw, node, seq } as Word
  } catch {
    return undefined // Not JSON: the caller tells.
  }
}

/** As many of the first words as go together. One alone goes where the last word on its address is kept; more make a batch. */
export function groupOf(
  words: readonly (Word | undefined)[],
  head: Word,
  { node, formerSeq }: { node: NodeName; formerSeq: number },
): Group {
  const road = roadOf(head)
  const end = words.findIndex((word) => word === undefined || roadOf(word) !== road)
  const all = words.slice(0, end < 0 ? words.length : end).filter((word) => word !== undefined)
  const group = road === 'ctl' ? [head] : all
  const [from, to] = [head.seq, group.at(-1)?.seq ?? head.seq]
  const isAlone = group.length === 1 && (road === 'ctl' || from > formerSeq)
  return { road, words: group, from, to, subject: subjectOf(road, isAlone, head, node) }
}

type Road = 'bans' | 'sight' | 'ctl'

function roadOf(word: Word): Road {
  if (word.kind === 'sighting') return 'sight'
  return word.kind === 'unban' && word.everywhere ? 'ctl' : 'bans'
}

function subjectOf(road: Road, isAlone: boolean, head: Word, node: NodeName): string {
  const ip = parseIp(head.ip)
  if (road === 'sight') return sightSubject(node, undefined)
  if (ip === undefined || !isAlone) return batchSubjectOf(head.seq, node)
  return road === 'ctl' ? `ctl.unban.${addressToken(ip)}` : bansSubject(node, ip)
}

/** Where several go, from this number on. */
export function batchSubjectOf(seq: number, node: NodeName): string {
  return batchSubject(node, `q${seq}`)
}
