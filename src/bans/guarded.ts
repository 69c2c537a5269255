import type { Ip } from '../domain/address.js'

/** Why somebody may never be banned, the weightiest first. */
export const guardKinds = [
  'self',
  'own',
  'gateway',
  'resolver',
  'fleet',
  'ignoreip',
  'session',
  'proxy',
  'private',
] as const

export type GuardKind = (typeof guardKinds)[number]

/** Somebody who may never be banned. */
export interface Guarded {
  ip: Ip
  kind: GuardKind
  /** The end of a sentence that begins with "Refused to ban …:". */
  reason: string
}

/** Where we know some of them from. Gives the same array as long as nothing has changed. */
export interface GuardSource {
  list(): readonly Guarded[]
}
