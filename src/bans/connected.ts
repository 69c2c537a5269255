import type { Ip } from '../domain/address.js'
import type { Clock } from '../lib/clock.js'
import { isLoopback } from './own-addresses.js'
import { Peers } from './peers.js'
import { type TcpSocket, tcpSockets, tcpSocketsLater } from './tcp-sockets.js'

/** Who is connected to this machine. */
export interface Connected {
  /** As seen some seconds ago at most. The same object for as long as it stands for now. */
  now(): Peers
  /** It may be asked for soon. */
  soon(): void
  close(): void
}

export interface LookOptions {
  clock: Clock
  /** Missing: the kernel's lists. */
  look?: { atOnce(): Iterable<Ip>; later(): Promise<Iterable<Ip>> }
}

const lookAgainMs = 5000
/** A look that takes long is not repeated before this many times its duration. */
const restFactor = 20
/** A look in the background may begin and take so much later. */
const lateMsMax = 1000
/** When nobody has asked for so long, nobody looks. */
const interestMs = 60_000

/**
 * Looks in the background: a look costs milliseconds even where nobody is connected (the kernel walks over a table that is as large as its
 * memory allows), and whoever asks stands between a decision and the kernel. It is looked at once only when there was no time for that: what is
 * known is never older than it would be otherwise, but for `lateMsMax`.
 */
export class ConnectedPeers implements Connected {
  readonly #clock: Clock
  readonly #look: NonNullable<LookOptions['look']>
  #peers = new Peers([])
  #seenMs = Number.NEGATIVE_INFINITY
  #restMs = lookAgainMs
  #askedMs = Number.NEGATIVE_INFINITY
  #isLooking = false
  #isClosed = false
  #cancel = () => {}

  constructor({ clock, look = kernelsLists }: LookOptions) {
    this.#clock = clock
    this.#look = look
  }

  now(): Peers {
    const nowMs = this.#clock.now()
    this.#askedMs = nowMs
    if (this.#isOld(nowMs)) this.#know(this.#look.atOnce(), nowMs)
    return this.#peers
  }

  soon(): void {
    const nowMs = this.#clock.now()
    this.#askedMs = nowMs
    if (this.#isOld(nowMs) && !this.#isLooking) void this.#lookBeside()
  }

  close(): void {
    this.#isClosed = true
    this.#cancel()
  }

  async #lookBeside(): Promise<void> {
    this.#isLooking = true
    const beganMs = this.#clock.now()
    const seen = await this.#look.later()
    this.#isLooking = false
    // Meanwhile somebody may have looked at once.
    if (this.#seenMs <= beganMs || this.#isOld(beganMs)) this.#know(seen, beganMs)
  }

  #know(seen: Iterable<Ip>, beganMs: number): void {
    this.#peers = new Peers(seen)
    this.#seenMs = beganMs
    this.#restMs = Math.max(lookAgainMs, restFactor * (this.#clock.now() - beganMs))
    this.#cancel()
    if (this.#isClosed) return
    this.#cancel = this.#clock.after(this.#restMs, () => {
      if (Math.abs(this.#clock.now() - this.#askedMs) < interestMs) void this.#lookBeside()
    })
  }

  /** NOTE: a clock that is set back makes it old as well. */
  #isOld(nowMs: number): boolean {
    return Math.abs(nowMs - this.#seenMs) > this.#restMs + lateMsMax
  }
}

/** Of each kernel list: some 28,000 connections, in no order, which is enough to know shares. */
const listBytesMax = 4 << 20

/** NOTE: in this machine's own network; who is connected to a container is not seen. */
const kernelsLists = {
  atOnce: () => peersOf(tcpSockets('/proc/net', listBytesMax)),
  later: async () => peersOf(await tcpSocketsLater('/proc/net', listBytesMax)),
}

function* peersOf(sockets: Iterable<TcpSocket>): IterableIterator<Ip> {
  for (const { state, peer } of sockets) if (state === 'established' && !isLoopback(peer.text)) yield peer
}
