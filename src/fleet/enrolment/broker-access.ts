import { sign } from 'node:crypto'
import { brokerUrls } from '../nats/broker-urls.js'
import { brokerKeyPair } from '../nats/nkey.js'
import type { FleetDir } from './fleet-dir.js'

/** What the transport needs to be let in at the broker. */
export interface BrokerAccess {
  servers: readonly string[]
  tls: { ca: string }
  credentials: { jwt: string; sign(nonce: Uint8Array): Uint8Array }
}

/** Throws when this machine has joined no fleet. `url`: instead of the one that it was told when it joined. */
export function brokerAccess(dir: FleetDir, url?: string): BrokerAccess {
  const [facts, ca, jwt] = [dir.facts(), dir.authorityCertificate(), dir.card()]
  if (facts === undefined || ca === undefined || jwt === undefined)
    throw new Error(
      `This machine is in no fleet (${dir.path} has no ${facts === undefined ? 'fleet.json' : 'card'}); 'tocsin fleet init' makes one, 'tocsin fleet join' enters one`,
    )
  const { privateKey } = brokerKeyPair(dir.nodeSeed())
  const servers = brokerUrls(url ?? facts.url)
  return { servers, tls: { ca }, credentials: { jwt, sign: (nonce) => sign(null, nonce, privateKey) } }
}
