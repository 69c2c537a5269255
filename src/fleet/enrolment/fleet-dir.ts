import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { messageOf } from '../../lib/error-message.js'
import { readPlainFile } from '../../lib/plain-file.js'
import { isNodeName, type Level, levels } from '../member.js'
import { keyPairOf, publicKeyOf, publicKeyText } from '../message/key.js'
import { isFleetName } from '../message/signature.js'
import type { Certified } from '../nats/certificates.js'
import { isNkey } from '../nats/nkey.js'
import { type RoleName, roles } from '../nats/roles.js'
import type { NodeName } from '../word.js'

/** A member with all its former keys is some kilobytes; the rest is less. */
const fileBytesMax = 1 << 20

/** What a machine knows about the fleet that it is in: `fleet.json`. No secrets. */
export interface FleetFacts {
  fleet: string
  /** This machine. */
  name: NodeName
  role: RoleName
  /** Of the broker: `tls://192.0.2.1:4722`; of a cluster's servers, by commas. */
  url: string
  /** Public key (message/key) of whoever signs who is in. */
  operatorKey: string
  /** This machine's membership began then. */
  sinceMs: number
}

/** Somebody who was let in: `members/NAME.json`. */
export interface MemberRecord {
  name: NodeName
  /** Public key of its words (message/key). */
  key: string
  /** Public key that it shows the broker: `U…`. */
  brokerKey: string
  role: RoleName
  /** How far it is believed; the certificate says so to the others. */
  level: Level
  sinceMs: number
  revokedAtMs?: number
  /** What the operator has signed about it (fleet/certificate), the newest last; bodies in base64url. */
  certificates: readonly { subject: string; body: string }[]
  /** Keys that it has had and that were revoked: nobody joins with them again, and their cards stay void. */
  former: readonly { key: string; brokerKey: string; revokedAtMs: number }[]
}

/** The operator speaks under this name; no machine can have it. */
export const operatorName = 'operator'

/**
 * `DIR/fleet`, for root alone: who we are, by which keys, and, on the machine where the fleet was made, who belongs to it. A file is
 * replaced at once or not at all, so that a command and the daemon never see half of one.
 */
export class FleetDir {
  readonly path: string

  constructor(configDir: string) {
    this.path = path.join(configDir, 'fleet')
  }

  at(...names: string[]): string {
    return path.join(this.path, ...names)
  }

  /** Undefined: this machine is in no fleet. Throws when the file is none of ours. */
  facts(): FleetFacts | undefined {
    const text = this.#read('fleet.json')
    return text === undefined ? undefined : factsOf(text, this.at('fleet.json'))
  }

  writeFacts(facts: FleetFacts): void {
    this.write('fleet.json', `${JSON.stringify(facts, null, 2)}\n`)
  }

  /** The 32 bytes of this machine's key; made when there are none. */
  nodeSeed(): Buffer {
    return this.#seed('node.seed') ?? this.#newSeed('node.seed')
  }

  /** Undefined: this is not the machine where the fleet was made. */
  operatorSeed(): Buffer | undefined {
    return this.#seed('operator.seed')
  }

  makeOperatorSeed(): Buffer {
    return this.operatorSeed() ?? this.#newSeed('operator.seed')
  }

  /** The certificate that the broker's is signed by, in PEM. */
  authorityCertificate(): string | undefined {
    return this.#read('authority.pem')
  }

  /** With its key; undefined: this is not the machine where the fleet was made. */
  authority(): Certified | undefined {
    const [certificate, key] = [this.authorityCertificate(), this.#read('authority.key')]
    return certificate === undefined || key === undefined ? undefined : { certificate, key }
  }

  /** This machine's card for the broker. */
  card(): string | undefined {
    return this.#read('nats.jwt')?.trim()
  }

  member(name: NodeName): MemberRecord | undefined {
    if (!isNodeName(name)) return undefined
    const file = path.join('members', `${name}.json`)
    const text = this.#read(file)
    return text === undefined ? undefined : memberOf(text, this.at(file))
  }

  /** By name. Throws for a file that is none. */
  members(): MemberRecord[] {
    return this.memberNames().flatMap((name) => this.member(name) ?? [])
  }

  memberNames(): NodeName[] {
    return this.#list('members').map((file) => file.replace(/\.json$/, ''))
  }

  writeMember(record: MemberRecord): void {
    this.write(path.join('members', `${record.name}.json`), `${JSON.stringify(record)}\n`)
  }

  /** Replaces a file, 0600. */
  write(name: string, text: string): void {
    const file = this.at(name)
    const fresh = `${file}.${randomBytes(6).toString('hex')}.new`
    try {
      for (const dir of new Set([this.path, path.dirname(file)])) makeDir(dir)
      try {
        writeFileSync(fresh, text, { mode: 0o600, flag: 'wx' })
        renameSync(fresh, file)
      } catch (error) {
        rmSync(fresh, { force: true })
        throw error
      }
    } catch (cause) {
      throw new Error(`Cannot write ${file}: ${messageOf(cause)}${hintOf(cause)}`, { cause })
    }
  }

  read(name: string): string | undefined {
    return this.#read(name)
  }

  remove(name: string): void {
    rmSync(this.at(name), { force: true })
  }

  list(name: string): string[] {
    return this.#list(name)
  }

  #list(name: string): string[] {
    try {
      return readdirSync(this.at(name))
        .filter((file) => file.endsWith('.json'))
        .sort()
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return []
      throw new Error(`Cannot read ${this.at(name)}: ${messageOf(cause)}${hintOf(cause)}`, { cause })
    }
  }

  #read(name: string): string | undefined {
    try {
      return readPlainFile(this.at(name), { bytesMax: fileBytesMax }).toString()
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') return undefined
      if (codeOf(cause) === undefined) throw cause
      throw new Error(`Cannot read ${this.at(name)}: ${messageOf(cause)}${hintOf(cause)}`, { cause })
    }
  }

  #seed(name: string): Buffer | undefined {
    const text = this.#read(name)
    if (text === undefined) return undefined
    const seed = Buffer.from(text.trim(), 'base64url')
    if (seed.length !== 32) throw new Error(`Cannot read ${this.at(name)}: it is no key of 32 bytes`)
    return seed
  }

  #newSeed(name: string): Buffer {
    const seed = randomBytes(32)
    this.write(name, `${seed.toString('base64url')}\n`)
    return seed
  }
}

/** NOTE: `recursive` alone says ENOENT where the file system is read-only. */
function makeDir(dir: string): void {
  try {
    mkdirSync(dir, { mode: 0o700 })
  } catch (error) {
    if (codeOf(error) === 'ENOENT') mkdirSync(dir, { recursive: true, mode: 0o700 })
    else if (codeOf(error) !== 'EEXIST') throw error
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

function hintOf(error: unknown): string {
  return codeOf(error) === 'EACCES' || codeOf(error) === 'EPERM' ? '; it is for root alone' : ''
}

/** The public text of the key that is made of a seed. */
export function publicTextOf(seed: Uint8Array): string {
  return publicKeyText(keyPairOf(seed).publicKey)
}

function factsOf(text: string, file: string): FleetFacts {
  const { fleet, name, role, url, operatorKey, sinceMs } = objectOf(text, file)
  const isGood =
    isFleetName(fleet) && isNodeName(name) && isRole(role) && typeof url === 'string' && publicKeyOf(operatorKey)
  if (!isGood || typeof operatorKey !== 'string' || typeof sinceMs !== 'number')
    throw new Error(`Cannot read ${file}: it does not say which fleet this machine is in`)
  return { fleet, name, role, url, operatorKey, sinceMs }
}

function memberOf(text: string, origin: string): MemberRecord {
  const { name, key, brokerKey, role, level, sinceMs, revokedAtMs, certificates, former } = objectOf(text, origin)
  const isKeyed = typeof key === 'string' && publicKeyOf(key) !== undefined && isNkey('user', brokerKey)
  const isTimed = typeof sinceMs === 'number' && (revokedAtMs === undefined || typeof revokedAtMs === 'number')
  if (!isNodeName(name) || !isKeyed || !isRole(role) || !isTimed)
    throw new Error(`Cannot read ${origin}: it does not say who a member is`)
  const signed = Array.isArray(certificates) ? certificates.filter(isCertificate) : []
  const revoked = revokedAtMs === undefined ? {} : { revokedAtMs }
  return {
    name,
    key,
    brokerKey,
    role,
    // Files from before there was a choice do not say it.
    level: levels.find((one) => one === level) ?? 'own',
    sinceMs,
    ...revoked,
    certificates: signed,
    former: Array.isArray(former) ? former.filter(isFormer) : [],
  }
}

function isFormer(value: unknown): value is MemberRecord['former'][number] {
  if (typeof value !== 'object' || value === null) return false
  const { key, brokerKey, revokedAtMs } = value as Record<string, unknown>
  return typeof key === 'string' && isNkey('user', brokerKey) && typeof revokedAtMs === 'number'
}

function isCertificate(value: unknown): value is { subject: string; body: string } {
  if (typeof value !== 'object' || value === null) return false
  return 'subject' in value && typeof value.subject === 'string' && 'body' in value && typeof value.body === 'string'
}

function isRole(value: unknown): value is RoleName {
  return typeof value === 'string' && Object.hasOwn(roles, value)
}

function objectOf(text: string, file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return { ...value }
  } catch (cause) {
    throw new Error(`Cannot read ${file}: it is no JSON`, { cause })
  }
  throw new Error(`Cannot read ${file}: it is no JSON object`)
}
