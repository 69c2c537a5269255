import type { Clock } from '../../lib/clock.js'
import { messageOf } from '../../lib/error-message.js'
import { keepNewest } from '../../lib/keep-newest.js'
import { TokenBucket } from '../../lib/token-bucket.js'
import type { AuditLog } from '../audit-log.js'
import type { Member } from '../member.js'
import { parseSubject } from '../message/subject.js'
import type { Parcel } from '../transport.js'
import { skewMsMax } from '../trust/judge.js'
import type { NodeName } from '../word.js'
import {
  type Call,
  type CallOpening,
  type CallSigner,
  type DrillOrder,
  type DrillReport,
  newAnswer,
  openCall,
} from './call.js'
import type { Facts } from './facts.js'
import { isTestAddress } from './test-net.js'

export interface AnsweringOptions extends CallOpening, Omit<CallSigner, 'atMs'> {
  clock: Clock
  audit: Pick<AuditLog, 'write'>
  publish(parcel: Parcel): Promise<void>
  facts(): Facts
  /** Shuts the address out; resolves when the kernel has it, or when it is not to be. The order is harmless. */
  drill(order: DrillOrder, by: Member): Promise<DrillReport>
}

const drillMs = { least: 1000, most: 60_000 }

/** Of each member; what is beyond is not even looked at. */
const callRate = { perMinute: 120, burst: 30 }
/** Of each member; what is beyond is refused. */
const drillRate = { perMinute: 6, burst: 3 }
/** So many callers are remembered. Full: the one that has been quiet for longest begins anew. */
const callersMax = 10_000
/** An answer names its call, and whoever has asked takes the first: a call that comes again is left alone. */
const idsMax = 1000

/** Answers what other machines ask, and drills with them. */
export class Answering {
  readonly #options: AnsweringOptions
  readonly #callers = new Map<NodeName, { calls: TokenBucket; drills: TokenBucket }>()
  readonly #ids = new Set<string>()

  constructor(options: AnsweringOptions) {
    this.#options = options
  }

  /** Anything from `call.…`. Never rejects: whoever has asked will see that there is no answer. */
  async hear(parcel: Parcel): Promise<void> {
    const arrivedMs = performance.now()
    const { node: self, memberOf, clock } = this.#options
    const subject = parseSubject(parcel.subject)
    if (subject?.kind !== 'call' || subject.node === self || memberOf(subject.node) === undefined) return
    const caller = this.#callerOf(subject.node)
    if (!caller.calls.take(callRate, clock.now())) return
    const opened = openCall(parcel, this.#options)
    if ('refused' in opened) {
      this.#record(parcel, {
        outcome: 'refused',
        node: opened.claimedNode,
        isProven: false,
        reason: opened.refused,
        detail: opened.detail,
      })
      return
    }
    const { call, member, atMs } = opened
    const id = `${member.name} ${call.id}`
    if (this.#ids.has(id)) return
    keepNewest(this.#ids.add(id), idsMax)
    const drill = await this.#drill(parcel, call, { member, atMs, drills: caller.drills })
    await this.#answer(member.name, call, drill, arrivedMs)
  }

  async #drill(
    parcel: Parcel,
    { drill: order }: Call,
    { member, atMs, drills }: { member: Member; atMs: number; drills: TokenBucket },
  ): Promise<DrillReport | undefined> {
    if (order === undefined) return undefined
    const harm = this.#harmOf(order, atMs, drills)
    const report = harm === undefined ? await this.#options.drill(order, member).catch(failed) : refusedFor(harm)
    const what = `drill with ${order.ip.text} for ${order.forMs / 1000} s`
    const isRefused = report.result === 'refused'
    this.#record(parcel, {
      outcome: isRefused ? 'refused' : 'accepted',
      node: member.name,
      isProven: true,
      ...(isRefused && { reason: 'drill' }),
      detail: isRefused ? `${what}: ${report.reason}` : what,
    })
    return report
  }

  /** Why nobody drills like this; undefined: it does no harm. */
  #harmOf({ ip, forMs }: DrillOrder, atMs: number, drills: TokenBucket): string | undefined {
    const nowMs = this.#options.clock.now()
    if (!isTestAddress(ip)) return 'drills are with single addresses of the networks for documentation (RFC 5737)'
    if (forMs < drillMs.least || forMs > drillMs.most) return 'a drill lasts 1 to 60 seconds'
    const skewMs = Math.abs(nowMs - atMs)
    if (skewMs > skewMsMax) return `it is ${Math.round(skewMs / 60_000)} minutes away from our clock`
    if (!drills.take(drillRate, nowMs)) return `more than ${drillRate.perMinute} drills a minute`
    return undefined
  }

  async #answer(to: NodeName, { id }: Call, drill: DrillReport | undefined, arrivedMs: number): Promise<void> {
    const { facts, publish, clock, fleet, node, key } = this.#options
    const answer = { of: id, tookMs: performance.now() - arrivedMs, facts: facts(), drill }
    try {
      await publish(newAnswer(to, answer, { fleet, node, key, atMs: clock.now() }))
    } catch {
      // There is no way back now: for whoever has asked we are missing, and that is so.
    }
  }

  #callerOf(node: NodeName): { calls: TokenBucket; drills: TokenBucket } {
    const known = this.#callers.get(node) ?? { calls: new TokenBucket(), drills: new TokenBucket() }
    this.#callers.delete(node)
    keepNewest(this.#callers.set(node, known), callersMax)
    return known
  }

  #record({ subject }: Parcel, entry: Omit<Parameters<AuditLog['write']>[0], 'timeMs' | 'subject'>): void {
    this.#options.audit.write({ timeMs: this.#options.clock.now(), subject, ...entry })
  }
}

function refusedFor(reason: string): DrillReport {
  return { result: 'refused', reason }
}

function failed(error: unknown): DrillReport {
  return refusedFor(messageOf(error))
}
