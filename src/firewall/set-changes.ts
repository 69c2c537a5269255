import { isIntervalSet } from './layout.js'
import { type Element, writeElements } from './netlink/elements.js'
import type { KernelFeatures } from './netlink/features.js'
import type { NftWriter } from './netlink/nftables.js'

/** What goes from and comes into one set. Nothing may be named twice in one list. */
export interface SetChange {
  set: string
  /** May be there or not. */
  remove: Element[]
  /** May be there or not; what is there gets its new end. */
  add: Element[]
  /** Known to be absent. NOTE: older kernels lose track of networks that begin alike when they come and go twice in one batch. */
  insert: Element[]
}

/** How often an element is written where the kernel is old: add, delete, add. */
export const copiesMax = 3

export function writeChanges(writer: NftWriter, changes: Iterable<SetChange>, features: KernelFeatures): void {
  for (const { set, remove, add, insert } of changes) {
    // NOTE: in an interval set, DESTROYSETELEM of a network that ends at this very moment would take its end and leave its beginning,
    // which then reaches up to the next network. Adding it first makes it whole.
    if (features.canDestroy && !isIntervalSet(set))
      writeElements(writer, { kind: 'DESTROYSETELEM', set, elements: remove })
    else writeBlindRemoval(writer, set, remove)
    if (!features.canUpdate) writeBlindRemoval(writer, set, add)
    writeElements(writer, { kind: 'NEWSETELEM', set, elements: add })
    writeElements(writer, { kind: 'NEWSETELEM', set, elements: insert })
  }
}

/** For what may be absent, or older kernels: they fail on deleting it, so it is put there first. Its counter is lost. */
function writeBlindRemoval(writer: NftWriter, set: string, elements: readonly Element[]): void {
  const bare = elements.map(({ key, isEnd }) => (isEnd ? { key, isEnd } : { key }))
  writeElements(writer, { kind: 'NEWSETELEM', set, elements: bare })
  writeElements(writer, { kind: 'DELSETELEM', set, elements: bare })
}
