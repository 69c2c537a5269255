import type { KeyObject } from 'node:crypto'
import { type Facts, factsOf } from '../calls/facts.js'
import type { MemberOf } from '../member.js'
import type { Refused } from '../message/refusal.js'
import { openStatement, sealStatement } from '../message/statement.js'
import type { Parcel } from '../transport.js'
import type { NodeName } from '../word.js'
import { heartbeatSubject } from './subjects.js'

/** What a node says of itself: who hears a lower number from it misses something. */
export interface Heartbeat {
  /** Number of the last word that it has told. */
  seq: number
  snapshot: SnapshotMark | undefined
  /** Where it is, as the broker sees it; undefined: it does not say. */
  address?: string | undefined
  /** How it is; undefined: it does not say. */
  facts?: Facts | undefined
}

/** Where all that it says is to be had. */
export interface SnapshotMark {
  set: 'a' | 'b'
  id: string
  parts: number
  /** Every word up to this one is in it, or is over. */
  seq: number
  /** Every word that is not in it has a greater number in the stream BANS. */
  streamSeq: number
}

export const partsMax = 1000

export function sealHeartbeat(
  { seq, snapshot, address, facts }: Heartbeat,
  { node, fleet, key, atMs }: { node: NodeName; fleet: string; key: KeyObject; atMs: number },
): Parcel {
  const subject = heartbeatSubject(node)
  const content = {
    q: seq,
    ...(snapshot === undefined ? {} : { snap: { ...snapshot } }),
    ...(address === undefined ? {} : { ip: address }),
    ...(facts === undefined ? {} : { facts: { ...facts } }),
  }
  return { subject, body: sealStatement({ seq: Math.max(1, atMs), atMs, content }, { fleet, subject, node, key }) }
}

/** Undefined: refused, or not what a heartbeat consists of. */
export function openHeartbeat(
  { subject, body }: Parcel,
  options: { fleet: string; memberOf: MemberOf },
): { node: NodeName; heartbeat: Heartbeat; atMs: number } | Refused | undefined {
  const opened = openStatement(body, { ...options, subject })
  if ('refused' in opened) return opened
  const { q: seq, snap, ip, facts: told } = opened.statement.content
  if (!isCount(seq)) return undefined
  const snapshot = snap === undefined ? undefined : markOf(snap)
  const address = typeof ip === 'string' && ip.length <= 45 ? ip : undefined
  return {
    node: opened.member.name,
    heartbeat: { seq, snapshot, address, facts: factsOf(told) },
    atMs: opened.statement.atMs,
  }
}

function markOf(raw: unknown): SnapshotMark | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined
  const { set, id, parts, seq, streamSeq } = raw as Record<string, unknown>
  if ((set !== 'a' && set !== 'b') || typeof id !== 'string' || !/^[\w-]{1,64}$/.test(id)) return undefined
  if (!isCount(parts) || parts > partsMax || !isCount(seq) || !isCount(streamSeq)) return undefined
  return { set, id, parts, seq, streamSeq }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
