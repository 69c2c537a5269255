import type { Clock } from '../../lib/clock.js'
import type { Parcel } from '../transport.js'
import { api, type StreamSpec, withPatience } from './streams.js'
import { type Arrived, nanosOf, type Wire } from './wire.js'

export interface ReadOptions {
  stream: StreamSpec['name']
  /** Only subjects like this. */
  filter: string
  /** Missing: from the beginning. */
  from?: { seq: number } | { timeMs: number }
  clock: Clock
}

/** With a million messages the broker needs several seconds to begin (measured: more than 5). */
const createMs = [1500, 2500, 5000, 20_000, 90_000]
const heartbeatMs = 5000
const silenceMs = 20_000

/**
 * Reads what a stream has now, once, by a consumer that is deleted afterwards: pushed, without acknowledgements, at the pace that
 * we can read (flow control). Resolves with the number of messages; rejects when something was left out.
 */
export async function readStream(
  wire: Wire,
  options: ReadOptions,
  onParcel: (parcel: Parcel) => void,
): Promise<number> {
  return await withPatience((patienceMs) => readOnce(wire, options, { patienceMs, onParcel }), createMs)
}

async function readOnce(
  wire: Wire,
  options: ReadOptions,
  { patienceMs, onParcel }: { patienceMs: number; onParcel: (parcel: Parcel) => void },
): Promise<number> {
  const reading = new Reading(wire, options, onParcel)
  const { subject, stop } = wire.listenOnce((arrived) => reading.onArrived(arrived))
  let name: string | undefined
  try {
    const answer = await api(wire, `CONSUMER.CREATE.${options.stream}`, request(subject, options), patienceMs)
    name = String(answer.name)
    reading.expect(Number(answer.num_pending))
    return await reading.end
  } finally {
    reading.stop()
    stop()
    // Without an answer the broker forgets it by itself, a while after nobody listens.
    if (name !== undefined) void api(wire, `CONSUMER.DELETE.${options.stream}.${name}`, {}, 5000).catch(() => {})
  }
}

function request(deliverTo: string, { stream, filter, from }: ReadOptions): unknown {
  return {
    stream_name: stream,
    config: {
      deliver_subject: deliverTo,
      ack_policy: 'none',
      max_deliver: 1,
      replay_policy: 'instant',
      filter_subject: filter,
      flow_control: true,
      idle_heartbeat: nanosOf(heartbeatMs),
      mem_storage: true,
      num_replicas: 1,
      ...startOf(from),
    },
  }
}

function startOf(from: ReadOptions['from']): Record<string, unknown> {
  if (from === undefined) return { deliver_policy: 'all' }
  if ('seq' in from) return { deliver_policy: 'by_start_sequence', opt_start_seq: Math.max(1, from.seq) }
  return { deliver_policy: 'by_start_time', opt_start_time: new Date(from.timeMs).toISOString() }
}

class Reading {
  readonly end: Promise<number>
  readonly #wire: Wire
  readonly #options: ReadOptions
  readonly #onParcel: (parcel: Parcel) => void
  #count = 0
  #resolve: (count: number) => void = () => {}
  #reject: (error: Error) => void = () => {}
  #cancel: (() => void) | undefined
  #heardAtMs = 0

  constructor(wire: Wire, options: ReadOptions, onParcel: (parcel: Parcel) => void) {
    this.#wire = wire
    this.#options = options
    this.#onParcel = onParcel
    this.end = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // It may fail before anybody waits for it.
    this.end.catch(() => {})
  }

  expect(pending: number): void {
    if (pending === 0 && this.#count === 0) this.#resolve(0)
    this.#heardAtMs = this.#options.clock.now()
    this.#watch()
  }

  stop(): void {
    this.#cancel?.()
  }

  onArrived(arrived: Arrived): void {
    this.#heardAtMs = this.#options.clock.now()
    if (arrived.status === 100) {
      this.#onControl(arrived)
      return
    }
    const place = placeOf(arrived.reply)
    if (place === undefined) return // Somebody else's message on our inbox: signatures decide, but it is none of this reading.
    this.#count++
    if (place.consumerSeq !== this.#count) {
      this.#reject(new Error('Cannot read the stream: messages were left out'))
      return
    }
    this.#onParcel({ subject: arrived.subject, body: arrived.body })
    if (place.pending === 0) this.#resolve(this.#count)
  }

  /** The broker waits for an answer before it sends more. */
  #onControl({ reply, header }: Arrived): void {
    const answerTo = reply ?? header('Nats-Consumer-Stalled')
    if (answerTo?.startsWith('$JS.FC.')) this.#wire.send(answerTo)
  }

  #watch(): void {
    const { clock } = this.#options
    this.#cancel = clock.after(heartbeatMs, () => {
      if (!this.#wire.isConnected) this.#reject(new Error('Cannot read the stream: the connection was lost'))
      else if (clock.now() - this.#heardAtMs > silenceMs)
        this.#reject(new Error(`Cannot read the stream: nothing for ${silenceMs} ms`))
      else this.#watch()
    })
  }
}

/** `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>`, newer brokers have two more after ACK (ADR-15). */
function placeOf(reply: string | undefined): { consumerSeq: number; pending: number } | undefined {
  const tokens = reply?.split('.') ?? []
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || tokens.length < 9) return undefined
  const shift = tokens.length >= 11 ? 2 : 0
  return { consumerSeq: Number(tokens[6 + shift]), pending: Number(tokens[8 + shift]) }
}
