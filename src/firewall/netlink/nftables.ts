import { type MessageWriter, NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_REQUEST } from './message.js'

/** Numbers and layouts of <linux/netfilter/nf_tables.h>, under the kernel's names. */
export const NFPROTO_INET = 1
export const NFPROTO_IPV4 = 2
export const NFPROTO_IPV6 = 10
const NFNL_SUBSYS_NFTABLES = 10

export const NFT_MSG = {
  NEWTABLE: 0,
  GETTABLE: 1,
  DELTABLE: 2,
  NEWCHAIN: 3,
  GETCHAIN: 4,
  DELCHAIN: 5,
  NEWRULE: 6,
  GETRULE: 7,
  DELRULE: 8,
  NEWSET: 9,
  GETSET: 10,
  DELSET: 11,
  NEWSETELEM: 12,
  GETSETELEM: 13,
  DELSETELEM: 14,
  NEWGEN: 15,
  NEWOBJ: 18,
  GETOBJ: 19,
  DELOBJ: 20,
  /** Since Linux 6.3: like DELSETELEM, and fine when there is no such element. */
  DESTROYSETELEM: 30,
} as const

export type NftMessageKind = keyof typeof NFT_MSG

const NFNL_MSG_BATCH_BEGIN = 16
const NFNL_MSG_BATCH_END = 17

export const NFT_SET_ANONYMOUS = 0x1
export const NFT_SET_CONSTANT = 0x2
export const NFT_SET_INTERVAL = 0x4
export const NFT_SET_TIMEOUT = 0x10

const NFTA_TABLE_NAME = 1
const NFTA_TABLE_FLAGS = 2
export const NFTA_CHAIN = { TABLE: 1, NAME: 3, HOOK: 4, POLICY: 5, TYPE: 7 } as const
const NFTA_HOOK_HOOKNUM = 1
const NFTA_HOOK_PRIORITY = 2
const NFTA_HOOK_DEV = 3
const NFTA_HOOK_DEVS = 4
const NFTA_DEVICE_NAME = 1
export const NFTA_SET = {
  TABLE: 1,
  NAME: 2,
  FLAGS: 3,
  KEY_TYPE: 4,
  KEY_LEN: 5,
  DESC: 9,
  ID: 10,
  EXPR: 17,
  COUNT: 20,
} as const
const NFTA_SET_DESC_SIZE = 1
export const NFTA_OBJ = { TABLE: 1, NAME: 2, TYPE: 3, DATA: 4 } as const
export const NFTA_COUNTER = { BYTES: 1, PACKETS: 2 } as const
export const NFT_OBJECT_COUNTER = 1
const NFTA_RULE_TABLE = 1
const NFTA_RULE_CHAIN = 2
const NFTA_RULE_EXPRESSIONS = 4
const NFTA_LIST_ELEM = 1
const NFTA_EXPR_NAME = 1
const NFTA_EXPR_DATA = 2
/** Of <linux/netfilter.h>. */
const hooks = { prerouting: 0, ingress: 5 } as const
const NF_ACCEPT = 1

/** nft's own numbers for the kinds of keys; the kernel only keeps them, for `nft list`. */
export const keyTypes = { ipv4_addr: 7, ipv6_addr: 8, inet_service: 13 } as const

export interface SetDefinition {
  name: string
  flags: number
  keyType: keyof typeof keyTypes
  keyBytes: number
  /** Tells the sets of one transaction apart before they have names of their own. */
  id: number
  /** Whether each element counts what matched it. */
  counted: boolean
  /** Number of elements, for constant sets. */
  size?: number
}

export type BaseChain = { name: string; priority: number } & (
  | { hook: 'prerouting' }
  | { hook: 'ingress'; devices: readonly string[] }
)

/** Writes nf_tables messages of one table, numbering them from `firstSequence`. */
export class NftWriter {
  readonly out: MessageWriter
  readonly table: string
  readonly #firstSequence: number
  #sequence: number
  /** What was written under which number, for the words of an error. */
  readonly written: string[] = []

  constructor(out: MessageWriter, table: string, firstSequence: number) {
    this.out = out
    this.table = table
    this.#firstSequence = firstSequence
    this.#sequence = firstSequence
  }

  get nextSequence(): number {
    return this.#sequence
  }

  /** Words for the message of this number: `NEWSETELEM of set v4-sshd`. */
  describe(sequence: number): string {
    return this.written[sequence - this.#firstSequence] ?? `message ${sequence}`
  }

  batchBegin(): void {
    this.#edge(NFNL_MSG_BATCH_BEGIN, 'BATCH_BEGIN')
  }

  /** Asks for an answer to the last message only: errors come unasked, and one yes for all is enough. */
  batchEnd(): void {
    this.out.addFlags(NLM_F_ACK)
    this.#edge(NFNL_MSG_BATCH_END, 'BATCH_END')
  }

  newTable(flags = 0): void {
    this.begin('NEWTABLE', NLM_F_CREATE, `table ${this.table}`)
    this.out.string(NFTA_TABLE_NAME, this.table)
    this.out.u32(NFTA_TABLE_FLAGS, flags)
    this.out.end()
  }

  delTable(): void {
    this.begin('DELTABLE', 0, `table ${this.table}`)
    this.out.string(NFTA_TABLE_NAME, this.table)
    this.out.end()
  }

  /** A chain at a hook that accepts what no rule of it drops. */
  newBaseChain(chain: BaseChain): void {
    this.begin('NEWCHAIN', NLM_F_CREATE, `chain ${chain.name}`)
    this.out.string(NFTA_CHAIN.TABLE, this.table)
    this.out.string(NFTA_CHAIN.NAME, chain.name)
    this.out.string(NFTA_CHAIN.TYPE, 'filter')
    this.out.u32(NFTA_CHAIN.POLICY, NF_ACCEPT)
    const hook = this.out.nest(NFTA_CHAIN.HOOK)
    this.out.u32(NFTA_HOOK_HOOKNUM, hooks[chain.hook])
    this.out.i32(NFTA_HOOK_PRIORITY, chain.priority)
    if (chain.hook === 'ingress') this.#devices(chain.devices)
    this.out.endNest(hook)
    this.out.end()
  }

  /** A chain to which others send. */
  newChain(name: string): void {
    this.begin('NEWCHAIN', NLM_F_CREATE, `chain ${name}`)
    this.out.string(NFTA_CHAIN.TABLE, this.table)
    this.out.string(NFTA_CHAIN.NAME, name)
    this.out.end()
  }

  /** With its rules; nothing may send to it any more. */
  delChain(name: string): void {
    this.begin('DELCHAIN', 0, `chain ${name}`)
    this.out.string(NFTA_CHAIN.TABLE, this.table)
    this.out.string(NFTA_CHAIN.NAME, name)
    this.out.end()
  }

  newSet(set: SetDefinition): void {
    this.begin('NEWSET', NLM_F_CREATE, `set ${set.name}`)
    this.out.string(NFTA_SET.TABLE, this.table)
    this.out.string(NFTA_SET.NAME, set.name)
    this.out.u32(NFTA_SET.FLAGS, set.flags)
    this.out.u32(NFTA_SET.KEY_TYPE, keyTypes[set.keyType])
    this.out.u32(NFTA_SET.KEY_LEN, set.keyBytes)
    this.out.u32(NFTA_SET.ID, set.id)
    if (set.size !== undefined) {
      const description = this.out.nest(NFTA_SET.DESC)
      this.out.u32(NFTA_SET_DESC_SIZE, set.size)
      this.out.endNest(description)
    }
    if (set.counted) {
      const expression = this.out.nest(NFTA_SET.EXPR)
      this.out.string(NFTA_EXPR_NAME, 'counter')
      this.out.endNest(this.out.nest(NFTA_EXPR_DATA))
      this.out.endNest(expression)
    }
    this.out.end()
  }

  delSet(name: string): void {
    this.begin('DELSET', 0, `set ${name}`)
    this.out.string(NFTA_SET.TABLE, this.table)
    this.out.string(NFTA_SET.NAME, name)
    this.out.end()
  }

  /** A counter that rules refer to by its name. One that is there goes on counting. */
  newCounter(name: string): void {
    this.#counter('NEWOBJ', NLM_F_CREATE, name)
  }

  /** No rule may refer to it any more. */
  delCounter(name: string): void {
    this.#counter('DELOBJ', 0, name)
  }

  /** Removes every rule of the chain. */
  flushChain(chain: string): void {
    this.begin('DELRULE', 0, `all rules of chain ${chain}`)
    this.out.string(NFTA_RULE_TABLE, this.table)
    this.out.string(NFTA_RULE_CHAIN, chain)
    this.out.end()
  }

  /** Appends a rule. `expressions` is called between the begin and the end of its list. */
  newRule(chain: string, what: string, expressions: (out: MessageWriter) => void): void {
    this.begin('NEWRULE', NLM_F_CREATE | NLM_F_APPEND, `rule of chain ${chain} for ${what}`)
    this.out.string(NFTA_RULE_TABLE, this.table)
    this.out.string(NFTA_RULE_CHAIN, chain)
    const list = this.out.nest(NFTA_RULE_EXPRESSIONS)
    expressions(this.out)
    this.out.endNest(list)
    this.out.end()
  }

  /** Opens any nf_tables message of the inet family. */
  begin(kind: NftMessageKind, flags: number, what: string): void {
    this.written.push(`${kind} of ${what}`)
    this.out.begin({
      type: (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG[kind],
      flags: NLM_F_REQUEST | flags,
      sequence: this.#sequence++,
      family: NFPROTO_INET,
    })
  }

  #counter(kind: 'NEWOBJ' | 'DELOBJ', flags: number, name: string): void {
    this.begin(kind, flags, `counter ${name}`)
    this.out.string(NFTA_OBJ.TABLE, this.table)
    this.out.string(NFTA_OBJ.NAME, name)
    this.out.u32(NFTA_OBJ.TYPE, NFT_OBJECT_COUNTER)
    if (kind === 'NEWOBJ') {
      const data = this.out.nest(NFTA_OBJ.DATA)
      this.out.u64(NFTA_COUNTER.BYTES, 0)
      this.out.u64(NFTA_COUNTER.PACKETS, 0)
      this.out.endNest(data)
    }
    this.out.end()
  }

  #devices(names: readonly string[]): void {
    const [first] = names
    if (names.length === 1 && first !== undefined) {
      // Linux before 5.5 knows one only.
      this.out.string(NFTA_HOOK_DEV, first)
      return
    }
    const list = this.out.nest(NFTA_HOOK_DEVS)
    for (const name of names) this.out.string(NFTA_DEVICE_NAME, name)
    this.out.endNest(list)
  }

  #edge(type: number, name: string): void {
    this.written.push(name)
    const sequence = this.#sequence++
    this.out.begin({ type, flags: NLM_F_REQUEST, sequence, family: 0, resource: NFNL_SUBSYS_NFTABLES })
    this.out.end()
  }
}

/** Writes one expression of a rule: its name and, inside, its own attributes. */
export function expression(out: MessageWriter, name: string, attributes: (out: MessageWriter) => void): void {
  const element = out.nest(NFTA_LIST_ELEM)
  out.string(NFTA_EXPR_NAME, name)
  const data = out.nest(NFTA_EXPR_DATA)
  attributes(out)
  out.endNest(data)
  out.endNest(element)
}
