import type { KeyObject } from 'node:crypto'
import { type Ip, parseIp } from '../../domain/address.js'
import type { Member, MemberOf } from '../member.js'
import { type Refused, refused } from '../message/refusal.js'
import { openStatement, type Statement, sealStatement } from '../message/statement.js'
import { answerSubject, callSubject } from '../message/subject.js'
import type { Parcel } from '../transport.js'
import type { NodeName } from '../word.js'
import { type Facts, factsOf } from './facts.js'

/** What one machine asks all others: to say how they are, and maybe to drill. */
export interface Call {
  /** By chance: whoever answers names it. */
  id: string
  drill: DrillOrder | undefined
}

/** An address that is to be shut out for a moment. */
export interface DrillOrder {
  ip: Ip
  forMs: number
}

export interface Answer {
  /** Of the call. */
  of: string
  /** From the call's arrival to the answer, by the clock of who answers. */
  tookMs: number
  facts: Facts
  drill: DrillReport | undefined
}

/** `closed`: the kernel has it; `simulated`: it only says what it would do. */
export type DrillReport = { result: 'closed' | 'simulated' } | { result: 'refused'; reason: string }

export interface CallSigner {
  fleet: string
  node: NodeName
  /** Ed25519, private. */
  key: KeyObject
  atMs: number
}

export interface CallOpening {
  fleet: string
  memberOf: MemberOf
}

const reasonCharsMax = 200
/** Nobody waits as long for an answer. */
const tookMsMax = 600_000

export function newCall({ id, drill }: Call, signer: CallSigner): Parcel {
  const order = drill && { drill: { ip: drill.ip.text, forMs: drill.forMs } }
  return sealed(callSubject(signer.node), { id, ...order }, signer)
}

export function newAnswer(to: NodeName, { of, tookMs, facts, drill }: Answer, signer: CallSigner): Parcel {
  const reason = drill?.result === 'refused' ? { reason: drill.reason.slice(0, reasonCharsMax) } : {}
  const report = drill && { drill: { result: drill.result, ...reason } }
  const rounded = Math.round(tookMs * 100) / 100
  return sealed(answerSubject(to, signer.node), { of, tookMs: rounded, facts: { ...facts }, ...report }, signer)
}

/** NOTE: what it orders may be harmful; whoever carries it out looks at it first. */
export function openCall(parcel: Parcel, opening: CallOpening): { call: Call; member: Member; atMs: number } | Refused {
  const opened = openStatement(parcel.body, { ...opening, subject: parcel.subject })
  if ('refused' in opened) return opened
  const { statement, member } = opened
  const call = callOf(statement)
  return call === undefined
    ? refused('malformed', 'it is no call', member.name)
    : { call, member, atMs: statement.atMs }
}

export function openAnswer(parcel: Parcel, opening: CallOpening): { answer: Answer; member: Member } | Refused {
  const opened = openStatement(parcel.body, { ...opening, subject: parcel.subject })
  if ('refused' in opened) return opened
  const { statement, member } = opened
  const answer = answerOf(statement)
  return answer === undefined ? refused('malformed', 'it is no answer', member.name) : { answer, member }
}

function sealed(subject: string, content: Statement['content'], { fleet, node, key, atMs }: CallSigner): Parcel {
  const statement = { seq: Math.max(1, atMs), atMs, content }
  return { subject, body: sealStatement(statement, { fleet, subject, node, key }) }
}

function callOf({ content: { id, drill } }: Statement): Call | undefined {
  if (!isId(id)) return undefined
  if (drill === undefined) return { id, drill }
  const order = orderOf(drill)
  return order && { id, drill: order }
}

function orderOf(raw: unknown): DrillOrder | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined
  const { ip: text, forMs } = raw as Record<string, unknown>
  const ip = typeof text === 'string' && text.length <= 64 ? parseIp(text) : undefined
  return ip !== undefined && typeof forMs === 'number' && Number.isSafeInteger(forMs) ? { ip, forMs } : undefined
}

function answerOf({ content: { of, tookMs, facts: told, drill: reported } }: Statement): Answer | undefined {
  const facts = factsOf(told)
  const isTime = typeof tookMs === 'number' && tookMs >= 0 && tookMs <= tookMsMax
  if (!isId(of) || !isTime || facts === undefined) return undefined
  if (reported === undefined) return { of, tookMs, facts, drill: undefined }
  const drill = reportOf(reported)
  return drill && { of, tookMs, facts, drill }
}

function reportOf(raw: unknown): DrillReport | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined
  const { result, reason } = raw as Record<string, unknown>
  if (result === 'closed' || result === 'simulated') return { result }
  const isReason = typeof reason === 'string' && reason.length <= reasonCharsMax
  return result === 'refused' && isReason ? { result, reason } : undefined
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]{16,32}$/.test(value)
}
