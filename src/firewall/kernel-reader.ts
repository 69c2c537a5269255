import { setImmediate } from 'node:timers/promises'
import type { Drops } from '../domain/enforcer.js'
import { type DumpedInterval, intervalsIn } from './intervals.js'
import type { NftConnection } from './netlink/connection.js'
import { askElement, askElements, askSets, countsIn, type DumpedElement, elementsIn } from './netlink/elements.js'
import { NLM_F_DUMP, netfilterAttributes, numberOf, textOf } from './netlink/message.js'
import {
  NFT_OBJECT_COUNTER,
  NFT_SET_ANONYMOUS,
  NFTA_CHAIN,
  NFTA_OBJ,
  NFTA_SET,
  type NftWriter,
} from './netlink/nftables.js'

type Visit = (element: DumpedElement) => void

/** A set that changes while it is read is read again this often; then what was read is taken. */
const readingsMax = 3

/** Names of the table's sets with their number of elements where the kernel says it (Linux 6.16); empty without table. */
export function listSets(connection: NftConnection): Map<string, number | undefined> {
  const sets = new Map<string, number | undefined>()
  connection.ask(askSets, (message) => {
    const attributes = netfilterAttributes(message)
    if ((numberOf(attributes.get(NFTA_SET.FLAGS)) & NFT_SET_ANONYMOUS) !== 0) return
    const count = attributes.get(NFTA_SET.COUNT)
    sets.set(textOf(attributes.get(NFTA_SET.NAME)), count && numberOf(count))
  })
  return sets
}

/** Whether the elements of each of the table's sets count what meets them. */
export function countingOfSets(connection: NftConnection): Map<string, boolean> {
  const counting = new Map<string, boolean>()
  connection.ask(askSets, (message) => {
    const attributes = netfilterAttributes(message)
    counting.set(textOf(attributes.get(NFTA_SET.NAME)), attributes.has(NFTA_SET.EXPR))
  })
  return counting
}

/** Names of the table's chains; empty without table. */
export function listChains(connection: NftConnection): string[] {
  const names: string[] = []
  connection.ask(askChains, (message) => {
    const attributes = netfilterAttributes(message)
    // The kernel tells those of all tables.
    if (textOf(attributes.get(NFTA_CHAIN.TABLE)) === connection.table)
      names.push(textOf(attributes.get(NFTA_CHAIN.NAME)))
  })
  return names
}

/** What the table's counters that have a name have counted; empty without table. */
export function readCounters(connection: NftConnection): Map<string, Drops> {
  const counters = new Map<string, Drops>()
  connection.ask(
    (writer) => {
      writer.begin('GETOBJ', NLM_F_DUMP, `counters of table ${writer.table}`)
      writer.out.string(NFTA_OBJ.TABLE, writer.table)
      writer.out.u32(NFTA_OBJ.TYPE, NFT_OBJECT_COUNTER)
      writer.out.end()
    },
    (message) => {
      const attributes = netfilterAttributes(message)
      if (textOf(attributes.get(NFTA_OBJ.TABLE)) === connection.table)
        counters.set(textOf(attributes.get(NFTA_OBJ.NAME)), countsIn(attributes.get(NFTA_OBJ.DATA)))
    },
  )
  return counters
}

function askChains(writer: NftWriter): void {
  writer.begin('GETCHAIN', NLM_F_DUMP, `chains of table ${writer.table}`)
  writer.out.end()
}

/** Hands every element to `visit`, with no pause. Returns whether nothing changed while reading. */
function readElements(connection: NftConnection, set: string, visit: Visit): boolean {
  const answer = connection.ask(
    (writer) => askElements(writer, set),
    (message) => elementsIn(message).forEach(visit),
  )
  return answer?.isConsistent ?? true
}

/** As `readElements`, letting other work run after every 32 KiB. NOTE: needs a connection on which nothing else is asked. */
export async function walkElements(connection: NftConnection, set: string, visit: Visit): Promise<void> {
  const reading = dumpElements(connection, set, visit)
  while (reading.next().done !== true) await setImmediate()
}

/** As `walkElements` for very large sets: what takes the kernel long is waited for on another thread. */
export async function walkElementsAside(connection: NftConnection, set: string, visit: Visit): Promise<void> {
  const reading = dumpElements(connection, set, visit)
  for (let step = reading.next(); step.done !== true; ) step = reading.next(await connection.receiveAside())
}

function dumpElements(connection: NftConnection, set: string, visit: Visit): ReturnType<NftConnection['dump']> {
  return connection.dump(
    (writer) => askElements(writer, set),
    (message) => elementsIn(message).forEach(visit),
  )
}

export function countElements(connection: NftConnection, set: string): number {
  let count = 0
  for (let i = 0; i < readingsMax; i++) {
    count = 0
    if (readElements(connection, set, () => count++)) break
  }
  return count
}

export function readIntervals(connection: NftConnection, set: string): DumpedInterval[] {
  let elements: DumpedElement[] = []
  for (let i = 0; i < readingsMax; i++) {
    elements = []
    // The key is a view into a datagram that the next one overwrites.
    const isConsistent = readElements(connection, set, (element) => {
      elements.push({ ...element, key: Buffer.from(element.key) })
    })
    if (isConsistent) break
  }
  return intervalsIn(elements)
}

/** The element with this key, read alone: its cost does not depend on the size of the set. */
export function readElement(connection: NftConnection, set: string, key: Uint8Array): DumpedElement | undefined {
  let found: DumpedElement | undefined
  connection.ask(
    (writer) => askElement(writer, set, [{ key }]),
    (message) => {
      for (const element of elementsIn(message)) found = element
    },
  )
  return found
}

/** Reads these elements by their keys; those that are absent are passed over. Returns how many there are. */
export function readThese(connection: NftConnection, set: string, keys: readonly Uint8Array[], visit: Visit): number {
  let found = 0
  for (let at = 0, size = keys.length; at < keys.length; ) {
    const before = found
    const elements = keys.slice(at, at + size).map((key) => ({ key }))
    const answer = connection.ask(
      (writer) => askElement(writer, set, elements),
      (message) => {
        for (const element of elementsIn(message)) {
          found++
          visit(element)
        }
      },
    )
    // The answer ends at the first that is absent: go on behind it, in small steps at first, for others may be absent too.
    at += answer === undefined ? found - before + 1 : elements.length
    size = answer === undefined ? 1 : size * 2
  }
  return found
}
