import {
  attributeBytesMax,
  attributesIn,
  eachAttribute,
  type Message,
  NLM_F_CREATE,
  NLM_F_DUMP,
  netfilterAttributes,
  numberOf,
} from './message.js'
import { NFTA_COUNTER, NFTA_SET, type NftWriter } from './nftables.js'

const NFTA_SET_ELEM_LIST = { TABLE: 1, SET: 2, ELEMENTS: 3, SET_ID: 4 } as const
const NFTA_SET_ELEM = { KEY: 1, FLAGS: 3, TIMEOUT: 4, EXPIRATION: 5, EXPR: 7 } as const
const NFTA_LIST_ELEM = 1
const NFTA_DATA_VALUE = 1
const NFTA_EXPR_NAME = 1
const NFTA_EXPR_DATA = 2
const NFT_SET_ELEM_INTERVAL_END = 1
/** Longest element: list head 4, flags 8, timeout 12, expiration 12, key 4 + 4 + 16. */
export const elementBytesMax = 60

export interface Element {
  /** Network order, as long as the set's key. */
  key: Uint8Array
  /** In interval sets: the first value that is no longer inside. */
  isEnd?: boolean
  /** 0: never; undefined: not said, which is "never" in our sets and the only choice in sets without timeouts. */
  timeoutMs?: number | undefined
}

export interface ElementList {
  kind: 'NEWSETELEM' | 'DELSETELEM' | 'DESTROYSETELEM' | 'GETSETELEM'
  set: string
  /** For a set of the same transaction that has no name yet. */
  setId?: number
  elements: readonly Element[]
}

/** Writes as many messages as the elements need: a list may not be longer than an attribute. */
export function writeElements(writer: NftWriter, list: ElementList): void {
  const { out } = writer
  for (let at = 0; at < list.elements.length; ) {
    writer.begin(list.kind, list.kind === 'NEWSETELEM' ? NLM_F_CREATE : 0, `elements of set ${list.set}`)
    out.string(NFTA_SET_ELEM_LIST.TABLE, writer.table)
    out.string(NFTA_SET_ELEM_LIST.SET, list.set)
    if (list.setId !== undefined) out.u32(NFTA_SET_ELEM_LIST.SET_ID, list.setId)
    const nest = out.nest(NFTA_SET_ELEM_LIST.ELEMENTS)
    const full = out.length + attributeBytesMax - 4 - elementBytesMax
    while (at < list.elements.length && out.length <= full) {
      const element = list.elements[at++]
      if (element !== undefined) writeElement(writer, element)
    }
    out.endNest(nest)
    out.end()
  }
}

function writeElement({ out }: NftWriter, element: Element): void {
  const nest = out.nest(NFTA_LIST_ELEM)
  if (element.isEnd) out.u32(NFTA_SET_ELEM.FLAGS, NFT_SET_ELEM_INTERVAL_END)
  if (element.timeoutMs !== undefined) out.u64(NFTA_SET_ELEM.TIMEOUT, element.timeoutMs)
  // An element that is there already gets its new end only when both are given (Linux 6.12, `nft_add_set_elem`).
  if (element.timeoutMs) out.u64(NFTA_SET_ELEM.EXPIRATION, element.timeoutMs)
  const key = out.nest(NFTA_SET_ELEM.KEY)
  out.data(NFTA_DATA_VALUE, element.key)
  out.endNest(key)
  out.endNest(nest)
}

/** Writes the question for all elements of a set. */
export function askElements(writer: NftWriter, set: string): void {
  writer.begin('GETSETELEM', NLM_F_DUMP, `elements of set ${set}`)
  writer.out.string(NFTA_SET_ELEM_LIST.TABLE, writer.table)
  writer.out.string(NFTA_SET_ELEM_LIST.SET, set)
  writer.out.end()
}

/** Writes the question for single elements; the answer ends at the first that is not there. */
export function askElement(writer: NftWriter, set: string, elements: readonly Element[]): void {
  writeElements(writer, { kind: 'GETSETELEM', set, elements })
}

/** Writes the question for all sets of the table. */
export function askSets(writer: NftWriter): void {
  writer.begin('GETSET', NLM_F_DUMP, `sets of table ${writer.table}`)
  writer.out.string(NFTA_SET.TABLE, writer.table)
  writer.out.end()
}

export interface DumpedElement {
  key: Buffer
  isEnd: boolean
  /** Until it goes by itself; undefined: it stays. */
  remainingMs: number | undefined
  packets: number
  bytes: number
}

/** The elements in one answer. Keys are views into the datagram. */
export function elementsIn(message: Message): DumpedElement[] {
  const list = netfilterAttributes(message).get(NFTA_SET_ELEM_LIST.ELEMENTS)
  const found: DumpedElement[] = []
  if (list !== undefined) eachAttribute(list, (_type, value) => found.push(elementOf(value)))
  return found
}

function elementOf(bytes: Buffer): DumpedElement {
  const attributes = attributesIn(bytes)
  const key = attributesIn(attributes.get(NFTA_SET_ELEM.KEY) ?? nothing).get(NFTA_DATA_VALUE) ?? nothing
  const expiration = attributes.get(NFTA_SET_ELEM.EXPIRATION)
  const isEnd = (numberOf(attributes.get(NFTA_SET_ELEM.FLAGS)) & NFT_SET_ELEM_INTERVAL_END) !== 0
  const expression = attributes.get(NFTA_SET_ELEM.EXPR)
  const { packets, bytes: counted } = countsOf(expression)
  return { key, isEnd, remainingMs: expiration && numberOf(expiration), packets, bytes: counted }
}

/** Our sets have one expression an element, the counter. */
function countsOf(expression: Buffer | undefined): { packets: number; bytes: number } {
  const attributes = attributesIn(expression ?? nothing)
  if (attributes.get(NFTA_EXPR_NAME)?.toString('latin1') !== 'counter\0') return { packets: 0, bytes: 0 }
  return countsIn(attributes.get(NFTA_EXPR_DATA))
}

/** Of the inside of a counter. */
export function countsIn(data: Buffer | undefined): { packets: number; bytes: number } {
  const counter = attributesIn(data ?? nothing)
  return { packets: numberOf(counter.get(NFTA_COUNTER.PACKETS)), bytes: numberOf(counter.get(NFTA_COUNTER.BYTES)) }
}

const nothing = Buffer.alloc(0)
