import {
  type Auth,
  connect,
  createInbox,
  errors,
  type Msg,
  type NatsConnection,
  nanos,
  type Status,
} from '@nats-io/transport-node'
import type { Clock } from '../../lib/clock.js'
import { messageOf } from '../../lib/error-message.js'
import { OpenAnswers } from './open-answers.js'

export interface WireOptions {
  /** `tls://broker.example:4222`; any of them will do. */
  servers: readonly string[]
  /** Shown in the broker's list of connections. */
  name: string
  /** PEM texts. With it the broker must present a certificate of this authority; without it nothing is encrypted. */
  tls?: { ca: string; cert?: string; key?: string }
  /** How we prove who we are; the nonce is signed by whoever keeps the key (ed25519). Missing: not at all. */
  credentials?: { jwt: string; sign(nonce: Uint8Array): Uint8Array } | { token: string }
  /** Below it are the subjects that answers come on: `_I.<node>`, so that nobody else may listen. */
  inboxPrefix?: string
  /** A broker that is gone without a word is noticed after two pings. */
  pingMs?: number
  clock: Clock
  /** 0 ≤ x < 1 */
  random?: () => number
}

export interface WireEvents {
  onConnected(): void
  onDisconnected(reason: string): void
}

export interface Arrived {
  subject: string
  body: Uint8Array
  reply: string | undefined
  /** Of a message with a status line instead of a body: 100, 404, …; 0 for others. */
  status: number
  header(name: string): string | undefined
}

const pingMsDefault = 5000
const pingsMax = 2
/** Before the next try: this, and up to four times as much more, by chance: a thousand nodes do not come back in one moment. */
const retryMs = 500
/** A thousand handshakes at once take a small broker half a minute (measured); who gives up earlier makes it longer. */
const handshakeMs = 30_000
/** With several brokers the next one is tried instead: one whose machine is off does not answer at all. */
const handshakeOfSeveralMs = 8_000

/** One connection to a broker, made again whenever it breaks. Nothing is buffered while there is none: calls reject. */
export class Wire {
  readonly #options: WireOptions
  #events: WireEvents | undefined
  #connection: NatsConnection | undefined
  #isConnected = false
  #isClosed = false
  #trouble: string | undefined
  #cancelRetry: (() => void) | undefined
  readonly #asking = new Set<(error: Error) => void>()
  readonly #listeners = new Map<string, (arrived: Arrived) => void>()
  readonly #openAnswers: OpenAnswers<Arrived>

  constructor(options: WireOptions) {
    this.#options = options
    this.#openAnswers = new OpenAnswers<Arrived>(options.inboxPrefix ?? '_INBOX', options.clock)
    this.listen(this.#openAnswers.pattern, (arrived) => this.#openAnswers.onArrived(arrived))
  }

  /** Resolves after the first try, whatever came of it; goes on trying until `close`. */
  async start(events: WireEvents): Promise<void> {
    this.#events = events
    await this.#try()
  }

  get isConnected(): boolean {
    return this.#isConnected
  }

  /** Address of the broker and its version, as long as there is a connection. */
  get server(): { url: string; version: string } | undefined {
    const connection = this.#isConnected ? this.#connection : undefined
    return connection && { url: connection.getServer(), version: connection.info?.version ?? '' }
  }

  /** Why there is no connection. */
  get trouble(): string | undefined {
    return this.#isConnected ? undefined : this.#trouble
  }

  /** Our address, as the broker sees it. */
  get address(): string | undefined {
    return this.#connection?.info?.client_ip
  }

  /** Holds over lost connections. */
  listen(subject: string, onArrived: (arrived: Arrived) => void): void {
    this.#listeners.set(subject, onArrived)
    if (this.#connection !== undefined) subscribe(this.#connection, subject, onArrived)
  }

  /** Listens on a subject of its own, until the returned function is called; for this connection only. */
  listenOnce(onArrived: (arrived: Arrived) => void): { subject: string; stop(): void } {
    // One part longer than where open answers come: they are heard by another.
    const subject = `${createInbox(this.#options.inboxPrefix)}.s`
    return { subject, stop: subscribe(this.#connected(), subject, onArrived) }
  }

  send(subject: string, body: Uint8Array | string = '', reply?: string): void {
    this.#connected().publish(subject, body, reply === undefined ? {} : { reply })
  }

  /** Resolves when the broker has read what was sent until now. */
  async flush(): Promise<void> {
    await this.#connected().flush()
  }

  async ask(subject: string, body: Uint8Array | string, { timeoutMs = 5000 } = {}): Promise<Arrived> {
    const answer = this.#connected().request(subject, body, { timeout: timeoutMs })
    return arrivedOf(await this.#orLost(answer))
  }

  /** The same of what all members hear: each of them gets 24 bytes less than with `ask`, and sees where the answer goes (OpenAnswers). */
  async askOpenly(subject: string, body: Uint8Array | string, { timeoutMs = 5000 } = {}): Promise<Arrived> {
    const connection = this.#connected()
    const ask = (reply: string) => connection.publish(subject, body, { reply })
    return await this.#orLost(this.#openAnswers.expect(ask, timeoutMs))
  }

  /** What was asked on a connection that is lost is not answered any more: whoever asks need not wait for his time to be over. */
  async #orLost<T>(answer: Promise<T>): Promise<T> {
    let onLost = (_: Error) => {}
    const lost = new Promise<never>((_, reject) => {
      onLost = reject
    })
    this.#asking.add(onLost)
    try {
      return await Promise.race([answer, lost])
    } finally {
      this.#asking.delete(onLost)
      answer.catch(() => {}) // Nobody waits for it any more.
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelRetry?.()
    const connection = this.#connection
    this.#connection = undefined
    this.#isConnected = false
    await connection?.close()
  }

  async #try(): Promise<void> {
    try {
      const connection = await connect(this.#settings())
      if (this.#isClosed) return await connection.close()
      this.#connection = connection
      this.#isConnected = true
      for (const [subject, onArrived] of this.#listeners) subscribe(connection, subject, onArrived)
      void this.#watch(connection)
      this.#trouble = undefined
      this.#events?.onConnected()
    } catch (error) {
      if (this.#isClosed) return
      this.#tellTrouble(messageOf(error))
      this.#tryLater()
    }
  }

  #tryLater(): void {
    this.#cancelRetry = this.#options.clock.after(this.#delayMs(), () => {
      void this.#try()
    })
  }

  #delayMs(): number {
    return retryMs * (1 + 4 * (this.#options.random ?? Math.random)())
  }

  async #watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) this.#onStatus(status)
    const error = await connection.closed()
    if (this.#isClosed || this.#connection !== connection) return
    // The package gives up on some answers of the broker (a revoked identity): we go on, somebody may put it right.
    this.#connection = undefined
    this.#lost(error === undefined ? 'closed' : messageOf(error))
    this.#tryLater()
  }

  #onStatus(status: Status): void {
    if (this.#isClosed) return
    if (status.type === 'disconnect') this.#lost(`lost ${status.server}`)
    else if (status.type === 'error' && isRefusal(status.error)) this.#tellRefusal(messageOf(status.error))
    else if (status.type === 'reconnect') {
      this.#isConnected = true
      this.#trouble = undefined
      this.#events?.onConnected()
    }
  }

  #lost(reason: string): void {
    if (!this.#isConnected) return
    this.#isConnected = false
    for (const onLost of this.#asking) onLost(new Error('Cannot reach the broker: the connection was lost'))
    this.#tellTrouble(reason)
  }

  /** The package goes on trying by itself and says no more than that; somebody may put it right. */
  #tellRefusal(reason: string): void {
    const text = `the broker refuses this machine (${reason}): was it revoked, or is it another fleet's broker?`
    if (this.#isConnected) this.#lost(text)
    else this.#tellTrouble(text)
  }

  /** Each reason once: it is tried again every few seconds. */
  #tellTrouble(reason: string): void {
    if (this.#trouble === reason) return
    this.#trouble = reason
    this.#events?.onDisconnected(reason)
  }

  #connected(): NatsConnection {
    if (this.#connection === undefined || !this.#isConnected)
      throw new Error(`Cannot reach the broker ${this.#options.servers.join(', ')}: not connected; it is tried again`)
    return this.#connection
  }

  #settings(): Parameters<typeof connect>[0] {
    const { servers, name, tls, credentials, inboxPrefix, pingMs = pingMsDefault } = this.#options
    return {
      servers: [...servers],
      name,
      timeout: servers.length > 1 ? handshakeOfSeveralMs : handshakeMs,
      pingInterval: pingMs,
      maxPingOut: pingsMax,
      maxReconnectAttempts: -1,
      reconnectDelayHandler: () => this.#delayMs(),
      ignoreAuthErrorAbort: true,
      ...(tls === undefined ? {} : { tls }),
      ...(inboxPrefix === undefined ? {} : { inboxPrefix }),
      ...(credentials === undefined ? {} : { authenticator: (nonce?: string): Auth => proofOf(credentials, nonce) }),
    }
  }
}

/** By node:crypto, in 0.1 ms; the package's own way takes 50 ms of the only thread. */
function proofOf(credentials: NonNullable<WireOptions['credentials']>, nonce = ''): Auth {
  if ('token' in credentials) return { auth_token: credentials.token }
  const sig = Buffer.from(credentials.sign(Buffer.from(nonce))).toString('base64url')
  return { jwt: credentials.jwt, sig, nkey: '' }
}

function subscribe(connection: NatsConnection, subject: string, onArrived: (arrived: Arrived) => void): () => void {
  const subscription = connection.subscribe(subject, {
    callback(error, message) {
      // An error here is a refusal of the subscription; `status` tells it, and there is no message.
      if (error === null || error === undefined) onArrived(arrivedOf(message))
    },
  })
  return () => subscription.unsubscribe()
}

function arrivedOf(message: Msg): Arrived {
  return {
    subject: message.subject,
    body: message.data,
    reply: message.reply,
    status: message.headers?.code ?? 0,
    header: (name) => message.headers?.get(name) || undefined,
  }
}

export function nanosOf(durationMs: number): number {
  return nanos(durationMs)
}

function isRefusal(error: unknown): boolean {
  return error instanceof errors.AuthorizationError || error instanceof errors.UserAuthenticationExpiredError
}
