import type { KeyPair } from '../message/key.js'
import { type Issuer, signedJwt } from './jwt.js'
import { derivedKeyPair, type NkeyKind, nkeyText } from './nkey.js'
import { type RoleName, roles } from './roles.js'

/** Who may say at the broker who belongs to the fleet. All of it is made of the operator's seed; nothing else is kept. */
export interface Authority {
  operator: Issuer
  system: Issuer
  account: Issuer
  roles: Record<RoleName, Issuer>
}

export function authorityOf(operatorSeed: Uint8Array): Authority {
  const issuer = (kind: NkeyKind, purpose: string): Issuer => ({ kind, ...derivedKeyPair(operatorSeed, purpose) })
  return {
    operator: issuer('operator', 'nats operator'),
    system: issuer('account', 'nats system account'),
    account: issuer('account', 'nats account'),
    roles: { node: issuer('account', 'nats role node'), hub: issuer('account', 'nats role hub') },
  }
}

/** What a server must know to tell members from strangers. Nothing in it is secret. */
export interface ServerIdentity {
  operatorJwt: string
  systemAccount: string
  /** By account key. */
  accountJwts: Readonly<Record<string, string>>
}

export interface ServerIdentityOptions {
  fleet: string
  /** Broker keys that are let in no more, with the moment of that in epoch milliseconds. */
  revoked: readonly { brokerKey: string; atMs: number }[]
  /** When the fleet was made. NOTE: the operator's claim must stay the same, to the byte: with another one a server refuses to reload. */
  foundedMs: number
  nowMs: number
}

export function serverIdentity(
  authority: Authority,
  { fleet, revoked, foundedMs, nowMs }: ServerIdentityOptions,
): ServerIdentity {
  const system = nkeyText('account', authority.system.publicKey)
  const account = nkeyText('account', authority.account.publicKey)
  const claim = (name: string, subject: string, issuedMs: number, nats: Record<string, unknown>) =>
    signedJwt({ name, subject, issuedMs, nats }, authority.operator)
  const revocations = Object.fromEntries(revoked.map(({ brokerKey, atMs }) => [brokerKey, Math.ceil(atMs / 1000)]))
  return {
    operatorJwt: claim(fleet, nkeyText('operator', authority.operator.publicKey), foundedMs, {
      type: 'operator',
      system_account: system,
    }),
    systemAccount: system,
    accountJwts: {
      [system]: claim('SYS', system, foundedMs, { type: 'account', limits: unlimited }),
      [account]: claim(fleet, account, nowMs, {
        type: 'account',
        limits: { ...unlimited, ...jetStreamLimits },
        signing_keys: roleNames.map((name) => scopedKey(name, authority.roles[name])),
        ...(revoked.length > 0 ? { revocations } : {}),
      }),
    },
  }
}

/** -1: no limit; the server's own configuration has them. */
const unlimited = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 }
const jetStreamLimits = { mem_storage: -1, disk_storage: -1, streams: 16, consumer: -1 }
const roleNames: readonly RoleName[] = ['node', 'hub']

function scopedKey(name: RoleName, key: KeyPair): Record<string, unknown> {
  const { publish, subscribe } = roles[name]
  return {
    kind: 'user_scope',
    key: nkeyText('account', key.publicKey),
    role: name,
    template: {
      pub: { allow: publish },
      sub: { allow: subscribe },
      subs: -1,
      data: -1,
      payload: -1,
      allowed_connection_types: ['STANDARD', 'LEAFNODE'],
    },
  }
}

export interface UserOptions {
  name: string
  role: RoleName
  /** Public key of the user: `U…`. */
  brokerKey: string
  nowMs: number
}

/** The card that lets somebody in at the broker. It holds no limits of its own: those of its role hold, whatever is in there later. */
export function userJwt(authority: Authority, { name, role, brokerKey, nowMs }: UserOptions): string {
  const nats = { type: 'user', issuer_account: nkeyText('account', authority.account.publicKey) }
  return signedJwt({ name, subject: brokerKey, issuedMs: nowMs, nats }, authority.roles[role])
}
