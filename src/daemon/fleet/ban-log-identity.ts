import type { KeyObject } from 'node:crypto'
import { hostname } from 'node:os'
import { type FleetDir, type FleetFacts, operatorName } from '../../fleet/enrolment/fleet-dir.js'
import { isNodeName } from '../../fleet/member.js'
import { generateKeyPair, keyPairOf, publicKeyOf } from '../../fleet/message/key.js'

/** Who this machine is in a shared log. */
export interface BanLogIdentity {
  facts: FleetFacts
  key: KeyObject
  /** Who may say who belongs to the fleet. */
  roots: ReadonlyMap<string, KeyObject>
  /** It is in no fleet: it has no key that others know, and knows none. */
  isPlain: boolean
}

/** Throws a sentence where the fleet's directory, or the name, is none. */
export function banLogIdentity(dir: FleetDir, name: string | undefined): BanLogIdentity {
  const facts = dir.facts()
  if (facts === undefined) return plainIdentity(name ?? nameOf(hostname()))
  const operatorKey = publicKeyOf(facts.operatorKey)
  if (operatorKey === undefined) throw new Error(`${dir.path}/fleet.json names no operator's key`)
  const roots = new Map([[operatorName, operatorKey]])
  return { facts, key: keyPairOf(dir.nodeSeed()).privateKey, roots, isPlain: false }
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
