import type { MessageWriter } from './message.js'
import { expression, NFT_OBJECT_COUNTER } from './nftables.js'

/** Expressions of a rule, in the words and numbers of <linux/netfilter/nf_tables.h>. All of them use register 1. */
const NFT_REG_1 = 1
const NFTA_DATA_VALUE = 1
const NFT_CMP_EQ = 0
const NFT_RANGE_EQ = 0
const metaKeys = { nfproto: 15, l4proto: 16 } as const
const payloadBases = { network: 1, transport: 2 } as const

export function meta(out: MessageWriter, key: keyof typeof metaKeys): void {
  expression(out, 'meta', () => {
    out.u32(2, metaKeys[key])
    out.u32(1, NFT_REG_1)
  })
}

/** Goes on only when the register equals `value` (network order). */
export function cmp(out: MessageWriter, value: Uint8Array): void {
  expression(out, 'cmp', () => {
    out.u32(1, NFT_REG_1)
    out.u32(2, NFT_CMP_EQ)
    dataValue(out, 3, value)
  })
}

/** Goes on only when the register is between the two, ends included. */
export function range(out: MessageWriter, first: Uint8Array, last: Uint8Array): void {
  expression(out, 'range', () => {
    out.u32(1, NFT_REG_1)
    out.u32(2, NFT_RANGE_EQ)
    dataValue(out, 3, first)
    dataValue(out, 4, last)
  })
}

/** Loads packet bytes. Does not match (the rule ends) where the packet has no such header, as in later fragments. */
export function payload(
  out: MessageWriter,
  from: { base: keyof typeof payloadBases; offset: number; bytes: number },
): void {
  expression(out, 'payload', () => {
    out.u32(1, NFT_REG_1)
    out.u32(2, payloadBases[from.base])
    out.u32(3, from.offset)
    out.u32(4, from.bytes)
  })
}

/** Goes on only when the set holds what is in the register. */
/** Counts the packet in a counter that has a name. */
export function countIn(out: MessageWriter, counter: string): void {
  expression(out, 'objref', () => {
    out.u32(1, NFT_OBJECT_COUNTER)
    // Without a NUL, as nft has it; the kernel takes both.
    out.data(2, Buffer.from(counter))
  })
}

export function lookup(out: MessageWriter, set: { name: string; id: number }): void {
  expression(out, 'lookup', () => {
    out.u32(2, NFT_REG_1)
    out.string(1, set.name)
    out.u32(4, set.id)
  })
}

function dataValue(out: MessageWriter, type: number, value: Uint8Array): void {
  const data = out.nest(type)
  out.data(NFTA_DATA_VALUE, value)
  out.endNest(data)
}
