import type { Request } from './dialogue.js'
import { attributeIn, type Message, MessageWriter } from './message.js'

/** Numbers and layouts of <linux/netfilter/nfnetlink_conntrack.h>. */
const NFNL_SUBSYS_CTNETLINK = 1
const IPCTNL_MSG_CT_GET = 1
const IPCTNL_MSG_CT_DELETE = 2
const CTA = { TUPLE_ORIG: 1, TUPLE_REPLY: 2, ID: 12, ZONE: 18, FILTER: 25 } as const
const CTA_TUPLE_IP = 1
const CTA_TUPLE_PROTO = 2
const CTA_IP_SRC = { 4: 1, 6: 3 } as const
const CTA_IP_DST = { 4: 2, 6: 4 } as const
const CTA_PROTO = { NUM: 1, DST_PORT: 3 } as const
const CTA_FILTER_FLAGS = { ORIG: 1, REPLY: 2 } as const
const CTA_FILTER_F_CTA_IP_SRC = 1
const families = { 4: 2, 6: 10 } as const
const AF_INET6 = 10
const NLA_F_NESTED = 0x8000
const headerBytes = 16
/** struct nfgenmsg. */
const genericBytes = 4

/** A tracked connection, as its first packet had it. */
export interface TrackedConnection {
  source: Buffer
  destination: Buffer
  /** Number of the protocol. */
  protocol: number
  /** 0 where the protocol has none. */
  destinationPort: number
  /** Asks for its removal. */
  removal: Request
}

/** Which connections to ask for: all; or, where the kernel can choose (Linux 5.8), only those begun by or answered by this address. */
export type Choice = 'all' | { by: 'begun' | 'answered'; family: 4 | 6; address: Uint8Array }

/** NOTE: older kernels answer with all, so what comes has to be looked at anyway. */
export function askConnections(choice: Choice): Request {
  return requestOf(IPCTNL_MSG_CT_GET, choice === 'all' ? 0 : families[choice.family], (out) => {
    if (choice === 'all') return
    const { by, family, address } = choice
    const tuple = out.nest(by === 'begun' ? CTA.TUPLE_ORIG : CTA.TUPLE_REPLY)
    const ip = out.nest(CTA_TUPLE_IP)
    out.data(CTA_IP_SRC[family], address)
    out.endNest(ip)
    out.endNest(tuple)
    const filter = out.nest(CTA.FILTER)
    hostFlags(out, by === 'begun' ? CTA_FILTER_FLAGS.ORIG : CTA_FILTER_FLAGS.REPLY, CTA_FILTER_F_CTA_IP_SRC)
    out.endNest(filter)
  })
}

/** Undefined when it has no addresses. */
export function connectionIn({ body }: Message): TrackedConnection | undefined {
  const attributes = body.subarray(genericBytes)
  const tuple = attributeIn(attributes, CTA.TUPLE_ORIG)
  const ip = tuple && attributeIn(tuple, CTA_TUPLE_IP)
  if (tuple === undefined || ip === undefined) return undefined
  const family = body[0] === AF_INET6 ? 6 : 4
  const source = attributeIn(ip, CTA_IP_SRC[family])
  const destination = attributeIn(ip, CTA_IP_DST[family])
  if (source === undefined || destination === undefined) return undefined
  const proto = attributeIn(tuple, CTA_TUPLE_PROTO) ?? nothing
  const port = attributeIn(proto, CTA_PROTO.DST_PORT)
  return {
    source,
    destination,
    protocol: attributeIn(proto, CTA_PROTO.NUM)?.[0] ?? 0,
    destinationPort: port !== undefined && port.length >= 2 ? port.readUInt16BE(0) : 0,
    // Written only when it is asked for: most are not.
    get removal() {
      const id = attributeIn(attributes, CTA.ID)
      return removalOf(families[family], tuple, attributeIn(attributes, CTA.ZONE), id)
    },
  }
}

/** The id keeps a connection that began since under the same addresses and ports. */
function removalOf(family: number, tuple: Buffer, zone: Buffer | undefined, id: Buffer | undefined): Request {
  return requestOf(IPCTNL_MSG_CT_DELETE, family, (out) => {
    out.data(CTA.TUPLE_ORIG | NLA_F_NESTED, tuple)
    if (zone !== undefined) out.data(CTA.ZONE, zone)
    if (id !== undefined) out.data(CTA.ID, id)
  })
}

function requestOf(kind: number, family: number, fill: (out: MessageWriter) => void): Request {
  const out = new MessageWriter(256)
  const type = (NFNL_SUBSYS_CTNETLINK << 8) | kind
  out.begin({ type, flags: 0, sequence: 0, family })
  fill(out)
  out.end()
  return { type, body: out.bytes.subarray(headerBytes) }
}

/** Alone among netfilter's numbers, these are in the machine's order. */
function hostFlags(out: MessageWriter, type: number, flags: number): void {
  out.data(type, new Uint8Array(Uint32Array.of(flags).buffer))
}

const nothing = Buffer.alloc(0)
