import { type Element, writeElements } from './netlink/elements.js'
import type { KernelFeatures } from './netlink/features.js'
import type { NftWriter } from './netlink/nftables.js'

/** What goes from and comes into one set. Nothing may be named twice in one list. */
export interface SetChange {
  set: string
  /** May be there or not. */
  remove: Element[]
  /** What is there already gets its new end. */
  add: Element[]
}

/** How often an element is written where the kernel is old: add, delete, add. */
export const copiesMax = 3

export function writeChanges(writer: NftWriter, changes: Iterable<SetChange>, features: KernelFeatures): void {
  for (const { set, remove, add } of changes) {
    if (features.canDestroy) writeElements(writer, { kind: 'DESTROYSETELEM', set, elements: remove })
    else writeBlindRemoval(writer, set, remove)
    if (!features.canUpdate) writeBlindRemoval(writer, set, add)
    writeElements(writer, { kind: 'NEWSETELEM', set, elements: add })
  }
}

/** Older kernels fail on deleting what is absent: so it is put there first. Counters of what was there are lost. */
function writeBlindRemoval(writer: NftWriter, set: string, elements: readonly Element[]): void {
  const bare = elements.map(({ key, isEnd }) => (isEnd ? { key, isEnd } : { key }))
  writeElements(writer, { kind: 'NEWSETELEM', set, elements: bare })
  writeElements(writer, { kind: 'DELSETELEM', set, elements: bare })
}
