import type { Scope } from '../domain/enforcer.js'
import { chainNames, noStrangers, writeArrangement } from './arrangement.js'
import { countedAsInPlace } from './counted-as-in-place.js'
import { listChains, listSets, readCounters } from './kernel-reader.js'
import { counterName } from './layout.js'
import { type NftConnection, NftError } from './netlink/connection.js'
import { wishes } from './wishes.js'

export interface PutInPlaceOptions {
  connection: NftConnection
  /** At which packets are kept out as they come in, as far as there are such. */
  interfaces: readonly string[]
  /** Sets that keep what they hold. */
  keptSets: ReadonlySet<string>
  /** Gets a sentence when something that was asked for cannot be had. */
  say(sentence: string): void
}

/** Errnos for what is there under the name of ours and cannot become it. */
const madeOtherwise: ReadonlySet<string> = new Set(['EEXIST', 'ENOTSUP', 'EINVAL'])

/**
 * Table, chains, sets and rules as these scopes want them, or as near as this kernel can. `isAnew`: what was there could not become that, and
 * is gone. Throws what the kernel says when nothing helps.
 */
export function putInPlace(
  asked: readonly Scope[],
  { connection, interfaces, keptSets, say }: PutInPlaceOptions,
): { isAnew: boolean } {
  const scopes = countedAsInPlace(asked, connection)
  const sets = [...listSets(connection).keys()].filter((name) => !keptSets.has(name))
  const chains = listChains(connection)
  const counted = new Set(scopes.map(({ jail }) => counterName(jail)))
  const counters = [...readCounters(connection).keys()].filter((name) => !counted.has(name))
  let refusal: NftError | undefined
  for (const isAnew of [false, true]) {
    for (const { loss, ...wish } of wishes(scopes, interfaces)) {
      const kept = chainNames(wish.scopes)
      const gone = chains.filter((name) => !kept.has(name))
      const arrangement = { ...wish, strangers: isAnew ? noStrangers : { sets, chains: gone, counters }, isAnew }
      try {
        connection.transact((writer) => writeArrangement(writer, arrangement))
        if (loss !== undefined) say(`${loss} (${refusal?.message ?? 'no reason given'})`)
        return { isAnew }
      } catch (error) {
        if (!(error instanceof NftError)) throw error
        refusal ??= error
      }
    }
    // Ours by name but made otherwise (an older layout, another hand): what it holds cannot be kept.
    if (refusal === undefined || !madeOtherwise.has(refusal.code)) break
  }
  throw refusal ?? new Error('Cannot arrange the firewall: nothing was tried')
}
