import type { Closure, ForeignChange } from '../domain/enforcer.js'
import { isInterval, type SetKind, setKinds, setName, tableName } from './layout.js'
import { elementsIn } from './netlink/elements.js'
import { type Message, messagesIn, netfilterAttributes, numberOf, textOf } from './netlink/message.js'
import { NFPROTO_INET, NFT_MSG } from './netlink/nftables.js'
import { openNotifications } from './netlink/notifications.js'
import { networkOf } from './network-cover.js'

const NFNL_SUBSYS_NFTABLES = 10
const NFTA_TABLE = 1
const NFTA_SET_ELEM_LIST_SET = 2
const NFTA_GEN = { PROC_PID: 2, PROC_NAME: 3 } as const

/** More changed elements than this are "too many to tell": then everything is looked at. */
const touchedMax = 1_000
/** How often a broken socket is opened anew in a row without anything heard between. */
const reopeningsMax = 100

export interface WatchOptions {
  /** Port ids of the sockets through which we make changes ourselves. */
  ownPorts: readonly number[]
  jails(): ReadonlySet<string>
  onChange(change: ForeignChange): void
}

/**
 * Hears what others do to our table, and gathers it: one call for each transaction of theirs, and one when news were lost. Who floods us
 * costs us a bounded list and one call for each datagram.
 */
export function watchForeignChanges({ ownPorts, jails, onChange }: WatchOptions): () => void {
  const gathered = new Gathered(jails)
  let isOver = false
  let socket: { close(): void }
  let reopenings = 0
  const open = () =>
    openNotifications({
      ownPorts,
      onDatagram: (bytes) => {
        reopenings = 0
        for (const message of messagesIn(bytes)) {
          if (ownPorts.includes(message.portId)) continue
          const change = gathered.take(message)
          if (change !== undefined) onChange(change)
        }
      },
      onLoss: () => {
        if (isOver || ++reopenings > reopeningsMax) return
        // Open again first: what is done from now on is heard, what was before is looked for.
        socket.close()
        socket = open()
        onChange({ isStructure: true, touched: undefined, by: undefined })
      },
    })
  socket = open()
  return () => {
    isOver = true
    socket.close()
  }
}

/** What one transaction has changed so far; its last message (NEWGEN) says who it was. */
class Gathered {
  readonly #jails: () => ReadonlySet<string>
  #isOurs = false
  #isStructure = false
  #hasNetworks = false
  #isTooMany = false
  #closures: Closure[] = []

  constructor(jails: () => ReadonlySet<string>) {
    this.#jails = jails
  }

  take(message: Message): ForeignChange | undefined {
    if (message.type >> 8 !== NFNL_SUBSYS_NFTABLES) return undefined
    const kind = message.type & 0xff
    const attributes = netfilterAttributes(message)
    if (kind === NFT_MSG.NEWGEN) return this.#end(attributes)
    if (message.body[0] !== NFPROTO_INET || textOf(attributes.get(NFTA_TABLE)) !== tableName) return undefined
    this.#isOurs = true
    if (kind === NFT_MSG.NEWSETELEM || kind === NFT_MSG.DELSETELEM)
      this.#touch(textOf(attributes.get(NFTA_SET_ELEM_LIST_SET)), message)
    else this.#isStructure = true
    return undefined
  }

  #touch(set: string, message: Message): void {
    if (this.#isTooMany) return
    const found = scopeOf(set, this.#jails())
    // A set of somebody else's in our table, or one of ours that no rule uses yet.
    if (found === undefined) return
    if (isInterval(found.kind)) {
      this.#hasNetworks = true
      return
    }
    for (const { key } of elementsIn(message))
      this.#closures.push({ jail: found.jail, ip: networkOf(Uint8Array.from(key), key.length * 8) })
    this.#isTooMany = this.#closures.length > touchedMax
  }

  #end(attributes: Map<number, Buffer>): ForeignChange | undefined {
    const isOurs = this.#isOurs
    const touched = this.#isTooMany ? undefined : { closures: this.#closures, networks: this.#hasNetworks }
    const isStructure = this.#isStructure
    this.#isOurs = this.#isStructure = this.#hasNetworks = this.#isTooMany = false
    this.#closures = []
    if (!isOurs) return undefined
    const name = textOf(attributes.get(NFTA_GEN.PROC_NAME))
    const by = name === '' ? undefined : `${name} (pid ${numberOf(attributes.get(NFTA_GEN.PROC_PID))})`
    return { isStructure, touched: isStructure ? undefined : touched, by }
  }
}

function scopeOf(set: string, jails: ReadonlySet<string>): { jail: string; kind: SetKind } | undefined {
  const kind = setKinds.find((one) => set.startsWith(`${one}-`))
  if (kind === undefined) return undefined
  for (const jail of jails) if (setName(kind, jail) === set) return { jail, kind }
  return undefined
}
