import type { KeyObject } from 'node:crypto'
import { type FleetDir, type FleetFacts, operatorName } from '../../fleet/enrolment/fleet-dir.js'
import { keyPairOf, publicKeyOf } from '../../fleet/message/key.js'
import type { NodeName } from '../../fleet/word.js'

/** Who this machine is among the others. */
export interface FleetIdentity {
  facts: FleetFacts
  /** It signs with this one. */
  key: KeyObject
  /** Who may say who belongs to the fleet. */
  roots: ReadonlyMap<NodeName, KeyObject>
}

/** As the fleet's directory has it. Undefined: this machine is in no fleet. Throws a sentence where the directory is none. */
export function identityIn(dir: FleetDir): FleetIdentity | undefined {
  const facts = dir.facts()
  if (facts === undefined) return undefined
  const operatorKey = publicKeyOf(facts.operatorKey)
  if (operatorKey === undefined) throw new Error(`${dir.path}/fleet.json names no operator's key`)
  return { facts, key: keyPairOf(dir.nodeSeed()).privateKey, roots: new Map([[operatorName, operatorKey]]) }
}
