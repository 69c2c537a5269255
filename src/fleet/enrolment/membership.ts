import { enrolment, revocation } from '../certificate.js'
import type { Level } from '../member.js'
import { keyPairOf, publicKeyOf } from '../message/key.js'
import type { RoleName } from '../nats/roles.js'
import type { Parcel } from '../transport.js'
import type { NodeName } from '../word.js'
import { type FleetDir, type MemberRecord, operatorName } from './fleet-dir.js'

/** Who is let in, with the keys that it has shown to have. */
export interface Entrant {
  name: NodeName
  key: string
  brokerKey: string
  role: RoleName
  level: Level
}

/** Makes it a member: the operator signs it, and it is written down. Throws where there is no operator's key. */
export function admit(dir: FleetDir, { name, key, brokerKey, role, level }: Entrant, nowMs: number): MemberRecord {
  const publicKey = publicKeyOf(key)
  if (publicKey === undefined) throw new Error(`${name} has no key that we know`)
  const known = dir.member(name)
  const former = known === undefined ? [] : formerOf(known)
  // NOTE: newer than its revocation even when the clock was turned back meanwhile.
  const sinceMs = Math.max(nowMs, (known?.revokedAtMs ?? 0) + 1)
  const certificate = enrolment({ name, publicKey, level, sinceMs }, signer(dir, sinceMs))
  const record = { name, key, brokerKey, role, level, sinceMs, certificates: [textOf(certificate)], former }
  dir.writeMember(record)
  return record
}

/** Every key of it that is revoked, the present one included. */
export function formerOf({ key, brokerKey, revokedAtMs, former }: MemberRecord): MemberRecord['former'] {
  return revokedAtMs === undefined ? former : [...former, { key, brokerKey, revokedAtMs }]
}

/** Puts it out: its card is void from now on, and all that it has ever told is withdrawn. Throws when it is none. */
export function expel(dir: FleetDir, name: NodeName, nowMs: number): MemberRecord {
  const member = dir.member(name)
  if (member === undefined)
    throw new Error(`${JSON.stringify(name)} is not in the fleet; 'tocsin fleet members' lists who is`)
  if (member.revokedAtMs !== undefined) return member
  // NOTE: newer than its enrolment even when the clock was turned back meanwhile; otherwise it would not count.
  const atMs = Math.max(nowMs, member.sinceMs + 1)
  const certificate = revocation({ name, fromMs: 0 }, signer(dir, atMs))
  const record = { ...member, revokedAtMs: atMs, certificates: [...member.certificates, textOf(certificate)] }
  dir.writeMember(record)
  return record
}

/** All that the operator has signed about members, to be told to the fleet; telling it again does no harm. Of a damaged file, or a directory that cannot be listed, `onDamaged` is told: the others count. */
export function certificatesIn(dir: FleetDir, onDamaged: (error: unknown) => void = () => {}): Parcel[] {
  const orNothing = <T>(read: () => T[]): T[] => {
    try {
      return read()
    } catch (error) {
      onDamaged(error)
      return []
    }
  }
  return orNothing(() => dir.memberNames()).flatMap((name) =>
    orNothing(() => {
      const member = dir.member(name)
      return member === undefined ? [] : parcelsOf(member)
    }),
  )
}

function parcelsOf({ certificates }: MemberRecord): Parcel[] {
  return certificates.map(({ subject, body }) => ({ subject, body: Buffer.from(body, 'base64url') }))
}

function signer(dir: FleetDir, atMs: number) {
  const [facts, seed] = [dir.facts(), dir.operatorSeed()]
  if (facts === undefined || seed === undefined)
    throw new Error(
      `There is no operator's key in ${dir.path}: do this on the machine where 'tocsin fleet init' was run`,
    )
  return { fleet: facts.fleet, node: operatorName, key: keyPairOf(seed).privateKey, seq: atMs, atMs }
}

function textOf({ subject, body }: Parcel): { subject: string; body: string } {
  return { subject, body: Buffer.from(body).toString('base64url') }
}
