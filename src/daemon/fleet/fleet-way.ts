import type { KeyObject } from 'node:crypto'
import type { Facts } from '../../fleet/calls/facts.js'
import type { FleetFacts } from '../../fleet/enrolment/fleet-dir.js'
import type { Transport } from '../../fleet/transport.js'
import type { FleetKnowledge } from './fleet-knowledge.js'

/** Who this machine is among the others. */
export interface FleetIdentity {
  facts: FleetFacts
  /** It signs with this one. */
  key: KeyObject
  /** Who may say who belongs to the fleet. */
  roots: ReadonlyMap<string, KeyObject>
}

/** How words come from one machine to the other. */
export interface FleetWay {
  identity: FleetIdentity
  /** How the log says that there is a way now: `the fleet NAME as web7`. */
  name: string
  /** Of the brokers; nobody may ban them. Missing: there are none. */
  brokerUrls?: string
  /** Whether it can bring nothing but bans. */
  isPlain?: boolean
  wordsPerMessage?: number
  /** What the machine where the fleet was made runs for it. */
  broker: { stateDir: string; listen: { host: string; port: number } | undefined }
  /** `facts`: how this machine is. */
  transportOf(knowledge: FleetKnowledge, facts: () => Facts): Transport
}
