import type { Ip } from '../domain/address.js'
import type { Facts } from './calls/facts.js'
import type { NodeName, Word } from './word.js'

/** A signed message on its way: the words of one node in one batch (message/message), or a statement. */
export interface Parcel {
  /** Where it was sent, below the fleet's name: `bans.web7.4.203.0.113.9`, `ctl.mode`, … (message/subject). */
  subject: string
  body: Uint8Array
}

export interface TransportEvents {
  /** Anybody's parcel, own ones included. Called in the order of arrival. Hostile until opened. */
  onParcel(parcel: Parcel): void
  /** Connected, or connected again: what was missed comes by `catchUp`. */
  onConnected(): void
  onDisconnected(reason: string): void
  /**
   * Something stands on a subject of ours that this process has not told: by whoever has our key too (`isSigned`: a second node with
   * one key), or forged around the broker's permissions. What we say has been told again.
   */
  onForeignParcel?(parcel: Parcel, isSigned: boolean): void
  /** Others have heard this number from us, and our disk does not know it: the next has to be greater (`store.outbox.raiseTo`). */
  onAhead?(seq: number): void
  /** A heartbeat that this member has signed, then, has come: now, or it was kept. */
  onAlive?(node: NodeName, heartbeat: { atMs: number; facts: Facts | undefined }): void
  /** Where a member is, as the broker sees it and the member has signed; told again and again. */
  onAddress?(node: NodeName, address: string): void
  /** A ban that nobody has signed. Only where others write who know nothing of signatures. */
  onPlain?(ban: { ip: Ip; atMs: number }, arrival: 'live' | 'catch-up'): void
  /** Words were missed although the connection held; `catchUp` is due. */
  onGap?(node: NodeName): void
}

/**
 * Brings parcels from node to node. It is a relay and a cache, never an authority: trust is in the signatures alone. What a
 * transport cannot deliver now rejects; to try again is for whoever publishes.
 */
export interface Transport {
  readonly kind: 'file' | 'nats'
  start(events: TransportEvents): Promise<void>
  /** Resolves when it is kept by the transport. The same may be published again. */
  publish(parcel: Parcel): Promise<void>
  /**
   * Everything still valid that others have told and we lack, snapshot first, then the tail. Parcels come through the callback; words
   * out of a snapshot that its node has signed come through `onSnapshot`, thousands at a time (without it they come as parcels).
   */
  catchUp(
    onParcel: (parcel: Parcel) => void,
    onSnapshot?: (node: NodeName, words: Iterable<Word>) => void,
  ): Promise<void>
  /** These words of a member have come, whole and signed, whatever was made of them: they are not missing. */
  heard?(node: NodeName, seqs: readonly number[]): void
  /** Its numbers begin anew: it has been revoked, or has joined with another key. */
  forget?(node: NodeName): void
  /** Somebody has become a member just now: what was heard of his state before that was nobody's. */
  look?(node: NodeName): Promise<void>
  /** For `tocsin fleet status`. */
  readonly state: {
    connected: boolean
    url: string | undefined
    server: string | undefined
    lagMs: number | undefined
    /** Why there is no way to the others. */
    trouble?: string | undefined
  }
  /** What has come, by what it turned out to be. */
  readonly counts?: Readonly<Record<string, number>>
  /** A ban that nobody has signed was no news. */
  countEcho?(): void
  close(): Promise<void>
}
