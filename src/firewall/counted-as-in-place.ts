import type { Scope } from '../domain/enforcer.js'
import { countingOfSets } from './kernel-reader.js'
import { setName } from './layout.js'
import type { NftConnection } from './netlink/connection.js'

/** The scopes, each counting as its sets do that are there already: that cannot be changed without emptying them. */
export function countedAsInPlace(scopes: readonly Scope[], connection: NftConnection): Scope[] {
  const present = countingOfSets(connection)
  return scopes.map((scope) => {
    const isCounted = present.get(setName('v4', scope.jail))
    return isCounted === undefined ? scope : { ...scope, isCounted }
  })
}
