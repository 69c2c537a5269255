import type { KeyObject } from 'node:crypto'
import type { FleetUnbanOutcome } from '../../api/fleet-operations.js'
import type { Ip } from '../../domain/address.js'
import { newMode } from '../../fleet/certificate.js'
import { type FleetDir, type FleetFacts, operatorName } from '../../fleet/enrolment/fleet-dir.js'
import type { KnownBans } from '../../fleet/known-bans/known-bans.js'
import { keyPairOf } from '../../fleet/message/key.js'
import { seal } from '../../fleet/message/message.js'
import { addressToken } from '../../fleet/message/subject.js'
import type { FleetMode } from '../../fleet/mode.js'
import type { Sequences } from '../../fleet/sequence.js'
import type { Parcel, Transport } from '../../fleet/transport.js'
import type { Clock } from '../../lib/clock.js'
import { messageOf } from '../../lib/error-message.js'
import type { ModeSwitch } from './mode-switch.js'

/** In the fleet's directory: what was said of the mode last. */
const modeFile = 'mode.json'

export interface OperatorWordsOptions {
  dir: FleetDir
  facts: FleetFacts
  known: KnownBans
  sequences: Sequences
  transport: Pick<Transport, 'publish'>
  /** As if somebody else had told it. */
  hear(parcel: Parcel): void
  clock: Clock
  mode: Pick<ModeSwitch, 'told'>
  /** Tells it as soon as there is a way. */
  tellLater(parcel: Parcel): void
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
    const { facts, known, transport, hear, clock, liftMs } = this.#options
    const key = this.#key()
    const nowMs = clock.now()
    const bans = known.standing(ip.text, nowMs).map(({ node, jail }) => ({ node, jail }))
    const seq = this.#nextSeq(nowMs)
    const atMs = known.liftAtMs(ip.text, nowMs)
    const untilMs = atMs + liftMs
    const subject = `ctl.unban.${addressToken(ip)}`
    const common = { kind: 'unban', node: operatorName, jail: undefined, everywhere: true } as const
    const signer = { fleet: facts.fleet, subject, node: operatorName, key }
    const parcel = { subject, body: seal([{ ...common, seq, atMs, ip: ip.text, untilMs }], signer) }
    try {
      await transport.publish(parcel)
    } catch (cause) {
      const reason = messageOf(cause)
      throw new Error(`Cannot lift ${ip.text} in the fleet: the broker does not take it (${reason}); try again`, {
        cause,
      })
    }
    hear(parcel)
    return { ip: ip.text, atMs, untilMs, bans }
  }

  /** How far the words of others go, everywhere. It holds here at once, and elsewhere as soon as they hear of it. Throws a sentence when that is not for here. */
  async setMode(mode: FleetMode): Promise<{ told: 'now' | 'later' }> {
    const { dir, facts, transport, hear, clock, mode: known, tellLater } = this.#options
    const key = this.#key()
    const nowMs = clock.now()
    const seq = this.#nextSeq(nowMs)
    // NOTE: newer than the last one even when the clock was turned back meanwhile; otherwise it would not count.
    const atMs = Math.max(nowMs, (known.told?.atMs ?? 0) + 1)
    const parcel = newMode(mode, { fleet: facts.fleet, node: operatorName, key, seq, atMs })
    dir.write(
      modeFile,
      JSON.stringify({ subject: parcel.subject, body: Buffer.from(parcel.body).toString('base64url') }),
    )
    hear(parcel)
    try {
      await transport.publish(parcel)
      return { told: 'now' }
    } catch {
      tellLater(parcel)
      return { told: 'later' }
    }
  }

  /** What was said here last, to be told again: a broker may have lost it. Nothing where somebody else has said another since. */
  lastMode(): Parcel[] {
    const { dir, mode } = this.#options
    const text = dir.operatorSeed() === undefined ? undefined : dir.read(modeFile)
    if (text === undefined) return []
    const { subject, body } = JSON.parse(text) as { subject: string; body: string }
    const parcel = { subject, body: Buffer.from(body, 'base64url') }
    const { at } = JSON.parse(parcel.body.toString()) as { at: number }
    return mode.told === undefined || at >= mode.told.atMs ? [parcel] : []
  }

  #key(): KeyObject {
    const { dir, facts } = this.#options
    const seed = dir.operatorSeed()
    if (seed !== undefined) return keyPairOf(seed).privateKey
    throw new Error(
      `There is no operator's key in ${dir.path}: do this on the machine where 'tocsin fleet init' was run (the broker is ${facts.url})`,
    )
  }

  /** The time, as there is nothing else that a machine with a copy of the key would know. Never one twice. */
  #nextSeq(nowMs: number): number {
    const heard = this.#options.sequences.newestOf(operatorName) ?? 0
    this.#seq = Math.max(nowMs, heard + 1, this.#seq + 1)
    return this.#seq
  }
}
