import type { Scope } from '../domain/enforcer.js'
import { chainNames } from './arrangement.js'
import { counterName, setKinds, setName } from './layout.js'
import { arrangementText } from './nft-text.js'
import type { NftTool } from './nft-tool.js'
import { wishes } from './wishes.js'

export interface NftArrangement {
  scopes: readonly Scope[]
  /** Interfaces with a chain at ingress; all exist. */
  ingress: readonly string[]
  say(sentence: string): void
}

/** Puts table, chains, rules and sets in place by one script; without what this kernel or this nft refuses, which is said. */
export async function arrangeByNft(nft: NftTool, { scopes, ingress, say }: NftArrangement): Promise<void> {
  const sets = new Set(scopes.flatMap(({ jail }) => setKinds.map((kind) => setName(kind, jail))))
  const counters = new Set(scopes.map(({ jail }) => counterName(jail)))
  const existing = await nft.names()
  let refusal: unknown
  for (const { loss, ...wish } of wishes(scopes, ingress)) {
    const chains = chainNames(wish.scopes)
    const strangers = {
      sets: existing.sets.filter((name) => !sets.has(name)),
      chains: existing.chains.filter((name) => !chains.has(name)),
      counters: existing.counters.filter((name) => !counters.has(name)),
    }
    try {
      await nft.script(arrangementText({ ...wish, strangers }))
      if (loss !== undefined) say(loss)
      return
    } catch (error) {
      refusal ??= error
    }
  }
  throw refusal
}
