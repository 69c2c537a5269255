import type { KeyObject } from 'node:crypto'
import type { Level } from './member.js'
import { publicKeyText } from './message/key.js'
import { sealStatement } from './message/statement.js'
import type { FleetMode } from './mode.js'
import type { Parcel } from './transport.js'
import type { NodeName } from './word.js'

/** A root of the fleet, who signs; see roster. */
export interface CertificateOptions {
  fleet: string
  /** His name. */
  node: NodeName
  /** Ed25519, private. */
  key: KeyObject
  /** Number of this certificate among his. */
  seq: number
  /** Now. Of two certificates about one node the later one counts. */
  atMs: number
}

/** Lets a node in, or gives it another key or level. What it dates more than ten minutes before `sinceMs` is not believed. */
export function enrolment(
  { name, publicKey, level, sinceMs }: { name: NodeName; publicKey: KeyObject; level: Level; sinceMs: number },
  options: CertificateOptions,
): Parcel {
  return certificate(`ctl.member.${name}`, { key: publicKeyText(publicKey), level, since: sinceMs }, options)
}

/** Puts a node out until it is enrolled again. All that it has dated `fromMs` or later is withdrawn; 0: all. */
export function revocation({ name, fromMs }: { name: NodeName; fromMs: number }, options: CertificateOptions): Parcel {
  return certificate(`ctl.revoke.${name}`, { from: fromMs }, options)
}

/** Voids whatever anybody has dated before `epochMs`, which is not after now. */
export function newEpoch(epochMs: number, options: CertificateOptions): Parcel {
  return certificate('ctl.epoch', { at: epochMs }, options)
}

/** How far the words of others go, everywhere. */
export function newMode(mode: FleetMode, options: CertificateOptions): Parcel {
  return certificate('ctl.mode', { mode }, options)
}

function certificate(subject: string, content: Record<string, unknown>, options: CertificateOptions): Parcel {
  const { seq, atMs, ...by } = options
  return { subject, body: sealStatement({ seq, atMs, content }, { ...by, subject }) }
}
