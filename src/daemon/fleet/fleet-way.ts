import type { Facts } from '../../fleet/calls/facts.js'
import type { Transport } from '../../fleet/transport.js'
import type { FleetIdentity } from './fleet-identity.js'
import type { FleetKnowledge } from './fleet-knowledge.js'

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
