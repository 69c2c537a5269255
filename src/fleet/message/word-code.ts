import { type Ip, parseIp } from '../../domain/address.js'
import type { NodeName, Word } from '../word.js'

/** A word as it travels: short names, always in this order. Times in milliseconds; `u: null`: permanent. */
export function encodeWord(word: Word): Record<string, unknown> {
  const told = { q: word.seq, at: word.atMs, a: word.ip }
  switch (word.kind) {
    case 'ban':
      return {
        t: 'ban',
        ...told,
        j: word.jail,
        u: word.untilMs ?? null,
        c: word.failures,
        ...(word.byHand ? { h: 1 } : {}),
      }
    case 'unban':
      return {
        t: 'unban',
        ...told,
        ...(word.jail === undefined ? {} : { j: word.jail }),
        u: word.untilMs,
        ...(word.everywhere ? { e: 1 } : {}),
      }
    case 'sighting':
      return { t: 'sight', ...told, j: word.jail, c: word.failures, w: word.windowMs }
    default:
      return word satisfies never
  }
}

/** A word and the address it speaks of. */
export interface DecodedWord {
  word: Word
  ip: Ip
}

/** Undefined for everything but what `encodeWord` gives for a sensible word: no name more or less, in this order. */
export function decodeWord(raw: unknown, node: NodeName): DecodedWord | undefined {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return undefined
  const { t, q, at, a, j, u, c, w, h, e } = raw as Record<string, unknown>
  const shape = shapes.get(Object.keys(raw).join())
  if (shape !== t || !isCount(q) || q === 0 || !isTime(at)) return undefined
  const ip = typeof a === 'string' && a.length <= addressCharsMax ? parseIp(a) : undefined
  if (ip === undefined || ip.text !== a) return undefined
  const told = { node, seq: q, atMs: at, ip: a }
  const isEndGood = isTime(u) && u > at
  if (t === 'unban') {
    if (!isEndGood || (j !== undefined && !isJail(j)) || (e !== undefined && e !== 1)) return undefined
    return { ip, word: { kind: 'unban', ...told, jail: j, untilMs: u, everywhere: e === 1 } }
  }
  if (!isJail(j) || !isCount(c)) return undefined
  if (t === 'sight') {
    if (c === 0 || !isCount(w) || w === 0 || w > timeMsMax) return undefined
    return { ip, word: { kind: 'sighting', ...told, jail: j, failures: c, windowMs: w } }
  }
  if ((u !== null && !isEndGood) || (h !== undefined && h !== 1)) return undefined
  return { ip, word: { kind: 'ban', ...told, jail: j, untilMs: u ?? undefined, failures: c, byHand: h === 1 } }
}

/** What each kind may consist of. */
const shapes = new Map([
  ['t,q,at,a,j,u,c', 'ban'],
  ['t,q,at,a,j,u,c,h', 'ban'],
  ['t,q,at,a,u', 'unban'],
  ['t,q,at,a,u,e', 'unban'],
  ['t,q,at,a,j,u', 'unban'],
  ['t,q,at,a,j,u,e', 'unban'],
  ['t,q,at,a,j,c,w', 'sight'],
])

const addressCharsMax = 43
/** 2020-01-01 and 2200-01-01: whatever is outside is no time of a word. Whether it fits now, the receiver judges (trust/judge). */
const timeMsMin = 1_577_836_800_000
const timeMsMax = 7_258_118_400_000

function isTime(value: unknown): value is number {
  return isCount(value) && value >= timeMsMin && value <= timeMsMax
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)
}

/** Jails are called as operators like. What could control a terminal, or turn text around, is no name. */
function isJail(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= 64 && !/[\p{C}\p{Zl}\p{Zp}]/u.test(value)
}
