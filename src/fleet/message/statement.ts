import assert from 'node:assert/strict'
import type { Member } from '../member.js'
import { type OpenOptions, openFields, type SealOptions, sealFields } from './envelope.js'
import { type Refused, refused } from './refusal.js'

/** What is told on `ctl.…`, `head` and `hb.…`: something that is not a word about an address. */
export interface Statement {
  /** Number among those of its teller, from 1. */
  seq: number
  atMs: number
  /** At most 64 KiB and five deep; whoever reads it checks it. Written as JSON: no name twice, and no names that are numbers. */
  content: Readonly<Record<string, unknown>>
}

export function sealStatement({ seq, atMs, content }: Statement, options: SealOptions): Uint8Array {
  assert(Number.isSafeInteger(seq) && seq > 0 && Number.isSafeInteger(atMs), `no number or time: ${seq}, ${atMs}`)
  return sealFields({ q: seq, at: atMs, p: content }, options)
}

/** On `ctl.…` only operators are heard, on `hb.NODE` that node, on `head` any member: the caller decides whom it believes that. */
export function openStatement(
  body: Uint8Array,
  options: OpenOptions,
): { statement: Statement; member: Member } | Refused {
  const opened = openFields(body, options)
  if ('refused' in opened) return opened
  const { fields, member } = opened
  const { q, at, p } = fields
  const isNumbered = typeof q === 'number' && Number.isSafeInteger(q) && q > 0
  const isContent = typeof p === 'object' && p !== null && !Array.isArray(p)
  if (Object.keys(fields).join() !== 'q,at,p' || !isNumbered || typeof at !== 'number' || !isContent)
    return refused('malformed', 'it is no statement', member.name)
  if (at < member.sinceMs) return refused('before-epoch', `it is from before ${member.name} joined`, member.name)
  return { statement: { seq: q, atMs: at, content: { ...p } }, member }
}
