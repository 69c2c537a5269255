import { type Arrived, nanosOf, type Wire } from './wire.js'

/** What the broker keeps: the last message of each subject. JetStream's API is JSON over requests (NATS ADR-28, ADR-31). */
export interface StreamSpec {
  name: 'BANS' | 'CTL' | 'STATE'
  subjects: readonly string[]
  /** Undefined: for ever. */
  maxAgeMs: number | undefined
  bytesMax: number
}

const weekMs = 7 * 86_400_000

/** Beyond `bytesMax` the broker drops the oldest; what they said is in the snapshots. Together below the 1 GiB that our own broker may use. */
const streams = [
  { name: 'BANS', subjects: ['bans.>'], maxAgeMs: weekMs, bytesMax: 512 << 20 },
  { name: 'CTL', subjects: ['ctl.>'], maxAgeMs: undefined, bytesMax: 64 << 20 },
  { name: 'STATE', subjects: ['snap.>', 'hb.*'], maxAgeMs: weekMs, bytesMax: 256 << 20 },
] as const satisfies readonly StreamSpec[]

/** Told twice with one id within this time, a message is kept once. Members of earlier versions give theirs one. */
const duplicatesMs = 120_000

/** What the broker refused, or could not do. */
class BrokerError extends Error {
  /** JetStream's `err_code`, or the status of the answer: 404, 503, … */
  readonly code: number

  constructor(message: string, code: number) {
    super(message)
    this.name = 'BrokerError'
    this.code = code
  }
}

/** Makes the streams that are not there, and makes good what differs. `replicas`: 3 in a cluster of three. Needs an operator's rights. */
export async function ensureStreams(wire: Wire, replicas = 1): Promise<void> {
  for (const spec of streams) {
    const wanted = {
      name: spec.name,
      subjects: spec.subjects,
      retention: 'limits',
      storage: 'file',
      discard: 'old',
      max_msgs_per_subject: 1,
      max_age: spec.maxAgeMs === undefined ? 0 : nanosOf(spec.maxAgeMs),
      max_bytes: spec.bytesMax,
      duplicate_window: nanosOf(duplicatesMs),
      allow_direct: true,
      num_replicas: replicas,
    }
    const known = await infoOf(wire, spec.name, { timeoutMs: leaderlessMs }).catch((error: unknown) => {
      if (error instanceof BrokerError && error.code === streamNotFound) return undefined
      throw error
    })
    const isGood = known !== undefined && Object.entries(wanted).every(([key, value]) => same(known.config[key], value))
    if (!isGood) await api(wire, `STREAM.${known === undefined ? 'CREATE' : 'UPDATE'}.${spec.name}`, wanted, createMs)
  }
}

const streamNotFound = 10059
/** A cluster without a leader does not answer: not worth waiting for, it is asked again. */
const leaderlessMs = 2000
const createMs = 15_000

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a ?? 0) === JSON.stringify(b)
}

export interface StreamInfo {
  config: Record<string, unknown>
  lastSeq: number
  /** When the last message came, by the broker's clock; undefined: there is none. */
  lastMs: number | undefined
  /** Subjects that match the filter asked for, with the number of messages. */
  subjects: ReadonlyMap<string, number>
}

export async function infoOf(
  wire: Wire,
  stream: StreamSpec['name'],
  { filter, timeoutMs }: { filter?: string; timeoutMs?: number } = {},
): Promise<StreamInfo> {
  const request = filter === undefined ? {} : { subjects_filter: filter }
  const ask = (patienceMs: number) => api(wire, `STREAM.INFO.${stream}`, request, patienceMs)
  const answer = await (timeoutMs === undefined ? withPatience(ask, infoMs) : ask(timeoutMs))
  const state = recordOf(answer.state)
  const subjects = Object.entries(recordOf(state.subjects)).map(([subject, count]) => [subject, Number(count)] as const)
  const timeMs = Number(state.messages) > 0 ? Date.parse(String(state.last_ts)) : Number.NaN
  const lastMs = Number.isFinite(timeMs) ? timeMs : undefined
  return { config: recordOf(answer.config), lastSeq: Number(state.last_seq ?? 0), lastMs, subjects: new Map(subjects) }
}

/** A cluster without a leader takes 5 to 15 s; the last is for a large stream. */
const infoMs = [1500, 2500, 2500, 2500, 5000, 5000, 30_000]

/**
 * What is asked of a stream without a leader is lost, and not answered later: it is asked again, each time with more patience, since a
 * large stream needs some.
 */
export async function withPatience<T>(
  ask: (timeoutMs: number) => Promise<T>,
  patienceMs: readonly number[],
): Promise<T> {
  const [first = 5000, ...more] = patienceMs
  try {
    return await ask(first)
  } catch (error) {
    if (more.length === 0 || !(error instanceof Error) || error.name !== 'TimeoutError') throw error
    return await withPatience(ask, more)
  }
}

/**
 * Resolves with its number in the stream when the broker has it.
 *
 * NOTE: without an id for the broker (`Nats-Msg-Id`), by which it leaves out what it has had: each hearer would get 45 bytes more, and any
 * member could have the broker leave out what another is about to tell, by using its next id first. The same again replaces itself.
 */
export async function publishKept(
  wire: Wire,
  { subject, body }: { subject: string; body: Uint8Array },
  options: { timeoutMs?: number } = {},
): Promise<number> {
  const answer = await wire.askOpenly(subject, body, options)
  if (answer.status !== 0) throw new BrokerError(`Cannot publish ${subject}: status ${answer.status}`, answer.status)
  const said = recordOf(parse(answer.body))
  throwError(`publish ${subject}`, said)
  return Number(said.seq ?? 0)
}

/** The last message of a subject; undefined: there is none. */
export async function lastOf(wire: Wire, stream: StreamSpec['name'], subject: string): Promise<Arrived | undefined> {
  const request = JSON.stringify({ last_by_subj: subject })
  const ask = (timeoutMs: number) => wire.ask(`$JS.API.DIRECT.GET.${stream}`, request, { timeoutMs })
  const answer = await withPatience(ask, infoMs)
  if (answer.status === 404) return undefined
  if (answer.status !== 0) throw new BrokerError(`Cannot read ${subject}: status ${answer.status}`, answer.status)
  return answer
}

/** Sends a request of JetStream's API and throws what it complains of. */
export async function api(
  wire: Wire,
  what: string,
  body: unknown,
  timeoutMs: number,
): Promise<Record<string, unknown>> {
  const answer = await wire.ask(`$JS.API.${what}`, JSON.stringify(body), { timeoutMs })
  const said = recordOf(parse(answer.body))
  throwError(`do ${what} at the broker`, said)
  return said
}

function throwError(tried: string, said: Record<string, unknown>): void {
  if (said.error === undefined) return
  const { description, err_code: code } = recordOf(said.error)
  throw new BrokerError(`Cannot ${tried}: ${String(description)} (${String(code)})`, Number(code))
}

function parse(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString())
  } catch (cause) {
    throw new Error('Cannot read what the broker answered: it is not JSON', { cause })
  }
}

export function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}
