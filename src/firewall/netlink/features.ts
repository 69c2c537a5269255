import { NftConnection, NftError } from './connection.js'
import { askElements, elementsIn, writeElements } from './elements.js'
import { NFT_SET_TIMEOUT, type NftWriter } from './nftables.js'

/** What this kernel can do beyond the oldest we know. Tried out, because distributions carry newer code in older versions. */
export interface KernelFeatures {
  /** An element that is there takes a new end when it is added again (Linux 6.12). Otherwise: add, delete, add. */
  canUpdate: boolean
  /** Elements can be removed that may not be there (Linux 6.3). Otherwise: add, delete. */
  canDestroy: boolean
}

const set = 'probe'
const element = { key: Uint8Array.of(192, 0, 2, 1) }
const firstMs = 100_000
const secondMs = 200_000

/** The same over a connection of its own; `table` must be nobody's. */
export function probedFeatures(table: string): KernelFeatures {
  const connection = new NftConnection(table)
  try {
    return probeFeatures(connection)
  } finally {
    connection.close()
  }
}

/** Tries both in a table of its own, which is gone afterwards. No packet ever meets it: it has no chain. */
function probeFeatures(connection: NftConnection): KernelFeatures {
  try {
    connection.transact((writer) => {
      removeTable(writer)
      writer.newTable()
      writer.newSet({ name: set, flags: NFT_SET_TIMEOUT, keyType: 'ipv4_addr', keyBytes: 4, id: 1, counted: true })
      for (const timeoutMs of [firstMs, secondMs])
        writeElements(writer, { kind: 'NEWSETELEM', set, elements: [{ ...element, timeoutMs }] })
    })
    return { canUpdate: isUpdated(connection), canDestroy: destroysAbsent(connection) }
  } finally {
    connection.transact(removeTable)
  }
}

function removeTable(writer: NftWriter): void {
  writer.newTable()
  writer.delTable()
}

function isUpdated(connection: NftConnection): boolean {
  let remainingMs = 0
  connection.ask(
    (writer) => askElements(writer, set),
    (message) => {
      for (const found of elementsIn(message)) remainingMs = found.remainingMs ?? 0
    },
  )
  return remainingMs > firstMs
}

function destroysAbsent(connection: NftConnection): boolean {
  const twice = [element, element]
  try {
    connection.transact((writer) => writeElements(writer, { kind: 'DESTROYSETELEM', set, elements: twice }))
    return true
  } catch (error) {
    if (error instanceof NftError) return false
    throw error
  }
}
