import type { KeyObject } from 'node:crypto'
import type { NodeName } from './word.js'

/** How far somebody is believed, most first. What each may do is in trust/limits. */
export const levels = ['operator', 'own', 'partner', 'feed', 'anonymous'] as const
export type Level = (typeof levels)[number]

/** Somebody with a key whom an operator has let in. */
export interface Member {
  name: NodeName
  /** Ed25519. */
  publicKey: KeyObject
  level: Level
  /** What is dated before is not this member's word: it has joined, or joined again with a new key, then. */
  sinceMs: number
  /** What is dated from then on is void, and nothing new is taken whatever its date; undefined: in good standing. */
  revokedAtMs: number | undefined
}

/** Whose word something is taken to be: a member's, which its key proves, or anybody's. */
export type Teller = Omit<Member, 'publicKey'>

/** Whoever writes plain lines into a shared log. No member can be called so. */
export const anybody: Teller = { name: '(anybody)', level: 'anonymous', sinceMs: 0, revokedAtMs: undefined }

/** Who a name belongs to; undefined: nobody in this fleet. */
export type MemberOf = (name: NodeName) => Member | undefined

/** Whether a node can be called so: it is a part of subjects, file names and syslog tags. */
export function isNodeName(name: unknown): name is NodeName {
  return typeof name === 'string' && /^[a-z0-9-]{1,32}$/.test(name)
}
