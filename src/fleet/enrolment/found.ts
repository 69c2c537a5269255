import { hostsOf } from '../nats/broker-urls.js'
import { makeAuthority } from '../nats/certificates.js'
import { authorityOf, userJwt } from '../nats/identity.js'
import { ensureServerCertificate } from '../nats/managed.js'
import { brokerKeyPair, nkeyText } from '../nats/nkey.js'
import { type FleetDir, type FleetFacts, publicTextOf } from './fleet-dir.js'
import { admit } from './membership.js'

export interface Founding {
  fleet: string
  /** This machine. */
  name: string
  /** Under which the others reach the broker; several of one cluster by commas. */
  url: string
  nowMs: number
}

/**
 * Makes a fleet whose first member is this machine: keys, authority, certificates. What an interrupted try has made is used; one that was
 * interrupted behind `fleet.json` is ended by `finish`.
 */
export function found(dir: FleetDir, { fleet, name, url, nowMs }: Founding): FleetFacts {
  const operatorSeed = dir.makeOperatorSeed()
  if (dir.authority() === undefined) {
    const { certificate, key } = makeAuthority({ fleet, nowMs })
    dir.write('authority.key', key)
    dir.write('authority.pem', certificate)
  }
  const seed = dir.nodeSeed()
  const brokerKey = nkeyText('user', brokerKeyPair(seed).publicKey)
  dir.write('nats.jwt', `${userJwt(authorityOf(operatorSeed), { name, role: 'hub', brokerKey, nowMs })}\n`)
  ensureServerCertificate(dir, { fleet, hosts: hostsOf(url), nowMs })
  const facts: FleetFacts = {
    fleet,
    name,
    role: 'hub',
    url,
    operatorKey: publicTextOf(operatorSeed),
    sinceMs: nowMs,
  }
  dir.writeFacts(facts)
  finish(dir, facts, nowMs)
  return facts
}

/** This machine is the first member; nothing changes where it is one. */
export function finish(dir: FleetDir, { name }: Pick<FleetFacts, 'name'>, nowMs: number): void {
  if (dir.member(name) !== undefined || dir.operatorSeed() === undefined) return
  const seed = dir.nodeSeed()
  const brokerKey = nkeyText('user', brokerKeyPair(seed).publicKey)
  admit(dir, { name, key: publicTextOf(seed), brokerKey, role: 'hub', level: 'own' }, nowMs)
}
