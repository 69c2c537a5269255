import { systemClock } from '../../lib/clock.js'
import type { Log } from '../../lib/log.js'
import type { Member } from '../member.js'
import { generateKeyPair, type KeyPair } from '../message/key.js'
import { open } from '../message/message.js'
import { OutboxDrain, rowOf, type Unsaid } from '../outbox.js'
import type { Parcel } from '../transport.js'
import type { NodeName, Word } from '../word.js'
import { NatsTransport, type NatsTransportOptions } from './transport.js'

/** Keys and members of a fleet that a test makes. */
export class FleetKit {
  readonly name = 'home'
  readonly members = new Map<NodeName, Member>()
  readonly keys = new Map<NodeName, KeyPair>()

  enrol(name: NodeName): KeyPair {
    const known = this.keys.get(name)
    if (known !== undefined) return known
    const pair = generateKeyPair()
    this.keys.set(name, pair)
    this.members.set(name, { name, publicKey: pair.publicKey, level: 'own', sinceMs: 0, revokedAtMs: undefined })
    return pair
  }
}

/** A node without jails and kernel: what it says comes by `say`, what it hears is in `heard`. Its outbox is in memory. */
export class NodeKit {
  readonly name: NodeName
  readonly transport: NatsTransport
  readonly drain: OutboxDrain
  readonly fleet: FleetKit
  /** The last word of each node and address. */
  readonly heard = new Map<string, Word>()
  /** Words that came on the live path, repeated ones included. */
  readonly live: Word[] = []
  readonly refused: string[] = []
  readonly foreign: { parcel: Parcel; isSigned: boolean }[] = []
  readonly gapsOf: NodeName[] = []
  readonly logged: string[] = []
  aheadSeq = 0
  /** Whether what comes on the live path is lost. */
  isDeaf = false
  connections = 0
  losses = 0
  catchUps = 0
  onWord: (word: Word) => void = () => {}
  rows: { seq: number; text: string }[] = []
  lastSeq = 0
  readonly said: Word[] = []
  #wake = () => {}

  constructor(
    name: NodeName,
    servers: readonly string[],
    fleet: FleetKit,
    options: Partial<NatsTransportOptions> = {},
  ) {
    this.name = name
    this.fleet = fleet
    const { privateKey: key } = fleet.enrol(name)
    const log: Log = { isOn: () => true, write: (level, _, text) => void this.logged.push(`${level} ${text}`) }
    const memberOf = (other: NodeName) => fleet.members.get(other)
    this.transport = new NatsTransport({
      node: name,
      fleet: fleet.name,
      key,
      memberOf,
      own: () => ({ seq: this.lastSeq, toldSeq: (this.rows[0]?.seq ?? this.lastSeq + 1) - 1, words: this.said }),
      servers,
      clock: systemClock,
      log,
      replicas: 1,
      random: () => 0,
      ...options,
    })
    this.drain = new OutboxDrain({
      rows: {
        lastSeq: 0,
        pending: (after, limit) => this.#pending(after, limit),
        remove: (ranges) => {
          this.rows = this.rows.filter(({ seq }) => !ranges.some(({ from, to }) => from <= seq && seq <= to))
          this.#wake()
        },
      },
      transport: this.transport,
      fleet: fleet.name,
      node: name,
      key,
      clock: systemClock,
      log,
    })
  }

  async start(): Promise<this> {
    await this.transport.start({
      onParcel: (parcel) => {
        if (!this.isDeaf) this.#onParcel(parcel, true)
      },
      onConnected: () => {
        this.connections++
        this.drain.resume()
        void this.catchUp()
        this.#wake()
      },
      onDisconnected: () => {
        this.losses++
        this.drain.pause()
        this.#wake()
      },
      onForeignParcel: (parcel, isSigned) => {
        this.foreign.push({ parcel, isSigned })
        this.#wake()
      },
      onAhead: (seq) => {
        this.aheadSeq = seq
        this.#wake()
      },
      onGap: (node) => {
        this.gapsOf.push(node)
        void this.catchUp()
      },
    })
    await this.until(() => this.catchUps > 0)
    return this
  }

  async catchUp(): Promise<void> {
    try {
      await this.transport.catchUp(
        (parcel) => this.#onParcel(parcel, false),
        (_, words) => {
          for (const word of words) this.#learn(word)
        },
      )
      this.catchUps++
    } catch (error) {
      this.logged.push(`catch-up: ${String(error)}`)
      // As the daemon does: until it is done.
      systemClock.after(200, () => void this.catchUp())
    }
    this.#wake()
  }

  say(...words: Unsaid[]): void {
    for (const word of words) {
      const seq = ++this.lastSeq
      this.rows.push({ seq, text: rowOf(word) })
      this.said.push({ ...word, node: this.name, seq } as Word)
    }
    this.drain.wake()
  }

  /** Waits for what is to become true by an event of this node. */
  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async close(): Promise<void> {
    this.drain.close()
    await this.transport.close()
  }

  #pending(after: number, limit: number): { seq: number; text: string }[] {
    const [first] = this.rows
    const from = first === undefined ? 0 : Math.max(0, after + 1 - first.seq)
    return this.rows.slice(from, from + limit).filter(({ seq }) => seq > after)
  }

  #onParcel({ subject, body }: Parcel, isLive: boolean): void {
    const memberOf = (name: NodeName) => this.fleet.members.get(name)
    const opened = open(body, { fleet: this.fleet.name, subject, memberOf })
    if ('refused' in opened) this.refused.push(`${subject}: ${opened.refused}`)
    else {
      const seqs = opened.words.map(({ word }) => word.seq)
      this.transport.heard(opened.member.name, seqs)
      for (const { word } of opened.words) {
        if (isLive) this.live.push(word)
        this.#learn(word)
      }
    }
    this.#wake()
  }

  #learn(word: Word): void {
    const place = `${word.node} ${word.ip}`
    if ((this.heard.get(place)?.seq ?? 0) < word.seq) {
      this.heard.set(place, word)
      this.onWord(word)
    }
  }
}

export function banOf(ip: string, atMs = systemClock.now()): Unsaid {
  return { kind: 'ban', atMs, ip, jail: 'sshd', untilMs: atMs + 3_600_000, failures: 3, byHand: false }
}

/** Addresses all over, in no order; the same for the same number. */
export function spreadIp(i: number): string {
  const address = Math.imul(i + 1, 2654435761) >>> 0
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`
}
