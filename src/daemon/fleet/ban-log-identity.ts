import { hostname } from 'node:os'
import type { FleetDir, FleetFacts } from '../../fleet/enrolment/fleet-dir.js'
import { isNodeName } from '../../fleet/member.js'
import { generateKeyPair } from '../../fleet/message/key.js'
import { type FleetIdentity, identityIn } from './fleet-identity.js'

/** Who this machine is in a shared log. */
export interface BanLogIdentity extends FleetIdentity {
  /** It is in no fleet: it has no key that others know, and knows none. */
  isPlain: boolean
}

/** Throws a sentence where the fleet's directory, or the name, is none. */
export function banLogIdentity(dir: FleetDir, name: string | undefined): BanLogIdentity {
  const identity = identityIn(dir)
  return identity === undefined ? plainIdentity(name ?? nameOf(hostname())) : { ...identity, isPlain: false }
}

function plainIdentity(name: string): BanLogIdentity {
  if (!isNodeName(name)) throw new Error(`[fleet] name ${JSON.stringify(name)} is no name: 1 to 32 of a-z, 0-9 and -`)
  const facts: FleetFacts = { fleet: 'newbans', name, role: 'node', url: '', operatorKey: '', sinceMs: 0 }
  return { facts, key: generateKeyPair().privateKey, roots: new Map(), isPlain: true }
}

/** `web7.example.net` is `web7`. */
function nameOf(host: string): string {
  const [label = ''] = host.toLowerCase().split('.')
  return label.replace(/[^a-z0-9-]/g, '-').slice(0, 32) || 'tocsin'
}
