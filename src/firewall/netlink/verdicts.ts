import type { LogRate, RejectWith } from '../../domain/enforcer.js'
import type { MessageWriter } from './message.js'
import { expression } from './nftables.js'

/** What ends a rule, in the words and numbers of <linux/netfilter/nf_tables.h>. */
const NFT_REG_VERDICT = 0
const NFTA_DATA_VERDICT = 2
const NFTA_VERDICT_CODE = 1
const NFTA_VERDICT_CHAIN = 2
const NF_DROP = 0
const NFT_GOTO = -4
const NFT_REJECT_TCP_RST = 1
const NFT_REJECT_ICMPX_UNREACH = 2
const icmpxCodes = { 'no-route': 0, 'port-unreachable': 1, 'host-unreachable': 2, 'admin-prohibited': 3 } as const
const secondsPer = { second: 1, minute: 60, hour: 3_600, day: 86_400 } as const

/** Packets that may be logged in a burst before the rate holds; nft's own default. */
const limitBurst = 5

export function drop(out: MessageWriter): void {
  verdict(out, () => out.u32(NFTA_VERDICT_CODE, NF_DROP))
}

/** The rest of the packet's way is in the other chain. */
export function goto(out: MessageWriter, chain: string): void {
  verdict(out, () => {
    out.i32(NFTA_VERDICT_CODE, NFT_GOTO)
    out.string(NFTA_VERDICT_CHAIN, chain)
  })
}

/** Drops and answers. A reset only in rules that see TCP alone. Before routing since Linux 5.9. */
export function reject(out: MessageWriter, answer: RejectWith): void {
  expression(out, 'reject', () => {
    const isReset = answer === 'tcp-reset'
    out.u32(1, isReset ? NFT_REJECT_TCP_RST : NFT_REJECT_ICMPX_UNREACH)
    out.data(2, Uint8Array.of(isReset ? 0 : icmpxCodes[answer]))
  })
}

/** Goes on only as often as the rate allows. */
export function limit(out: MessageWriter, { packets, per }: LogRate): void {
  expression(out, 'limit', () => {
    out.u64(1, packets)
    out.u64(2, secondsPer[per])
    out.u32(3, limitBurst)
    out.u32(4, 0) // packets, not bytes
    out.u32(5, 0) // up to the rate, not over it
  })
}

/** Writes a line to the kernel's log, at its level "warning". */
export function log(out: MessageWriter, prefix: string): void {
  expression(out, 'log', () => out.string(2, prefix))
}

function verdict(out: MessageWriter, attributes: () => void): void {
  expression(out, 'immediate', () => {
    out.u32(1, NFT_REG_VERDICT)
    const data = out.nest(2)
    const nest = out.nest(NFTA_DATA_VERDICT)
    attributes()
    out.endNest(nest)
    out.endNest(data)
  })
}
