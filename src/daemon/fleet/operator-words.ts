import type { FleetUnbanOutcome } from '../../api/fleet-operations.js'
import type { Ip } from '../../domain/address.js'
import { type FleetDir, type FleetFacts, operatorName } from '../../fleet/enrolment/fleet-dir.js'
import type { KnownBans } from '../../fleet/known-bans/known-bans.js'
import { keyPairOf } from '../../fleet/message/key.js'
import { seal } from '../../fleet/message/message.js'
import { addressToken } from '../../fleet/message/subject.js'
import type { Sequences } from '../../fleet/sequence.js'
import type { Parcel, Transport } from '../../fleet/transport.js'
import type { Clock } from '../../lib/clock.js'

export interface OperatorWordsOptions {
  dir: FleetDir
  facts: FleetFacts
  known: KnownBans
  sequences: Sequences
  transport: Pick<Transport, 'publish'>
  /** As if somebody else had told it. */
  hear(parcel: Parcel): void
  clock: Clock
  /** How long a lift is remembered by those who were away. */
  liftMs: number
}

/** What an operator says to the whole fleet, on the machine that has his key. */
export class OperatorWords {
  readonly #options: OperatorWordsOptions
  #seq = 0

  constructor(options: OperatorWordsOptions) {
    this.#options = options
  }

  /** Lifts what was told of the address up to now. Throws a sentence when that is not for here, or the broker does not keep it: then nothing is lifted. */
  async lift(ip: Ip): Promise<FleetUnbanOutcome> {
    const { dir, facts, known, transport, hear, clock, liftMs } = this.#options
    const seed = dir.operatorSeed()
    if (seed === undefined)
      throw new Error(
        `There is no operator's key in ${dir.path}: do this on the machine where 'tocsin fleet init' was run (the broker is ${facts.url})`,
      )
    const nowMs = clock.now()
    const bans = known.standing(ip.text, nowMs).map(({ node, jail }) => ({ node, jail }))
    const seq = this.#nextSeq(nowMs)
    const atMs = known.liftAtMs(ip.text, nowMs)
    const untilMs = atMs + liftMs
    const subject = `ctl.unban.${addressToken(ip)}`
    const common = { kind: 'unban', node: operatorName, jail: undefined, everywhere: true } as const
    const signer = { fleet: facts.fleet, subject, node: operatorName, key: keyPairOf(seed).privateKey }
    const parcel = { subject, body: seal([{ ...common, seq, atMs, ip: ip.text, untilMs }], signer) }
    try {
      await transport.publish(parcel, { id: `${operatorName}:${seq}` })
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`Cannot lift ${ip.text} in the fleet: the broker does not take it (${reason}); try again`, {
        cause,
      })
    }
    hear(parcel)
    return { ip: ip.text, atMs, untilMs, bans }
  }

  /** The time, as there is nothing else that a machine with a copy of the key would know. Never one twice. */
  #nextSeq(nowMs: number): number {
    const heard = this.#options.sequences.newestOf(operatorName) ?? 0
    this.#seq = Math.max(nowMs, heard + 1, this.#seq + 1)
    return this.#seq
  }
}
