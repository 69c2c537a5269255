import type { KeyObject } from 'node:crypto'
import { brokerAccess } from '../../src/fleet/enrolment/broker-access.js'
import { FleetDir } from '../../src/fleet/enrolment/fleet-dir.js'
import { keyPairOf } from '../../src/fleet/message/key.js'
import { seal } from '../../src/fleet/message/message.js'
import { batchSubject } from '../../src/fleet/message/subject.js'
import { inboxOf } from '../../src/fleet/nats/subjects.js'
import { type Arrived, Wire } from '../../src/fleet/nats/wire.js'
import type { Parcel } from '../../src/fleet/transport.js'
import type { BanWord } from '../../src/fleet/word.js'
import { systemClock } from '../../src/lib/clock.js'
import type { Machine } from './fleet-machines.js'

const hourMs = 3_600_000

/** Somebody who has taken over a machine of the fleet: he has its key and its card, and keeps to no rules but those of the broker. */
export class HostileMember {
  readonly name: string
  readonly #fleet: string
  readonly #key: KeyObject
  readonly #wire: Wire
  #seq = 0

  private constructor(dir: FleetDir) {
    const { fleet, name } = dir.facts() ?? { fleet: '', name: '' }
    this.name = name
    this.#fleet = fleet
    this.#key = keyPairOf(dir.nodeSeed()).privateKey
    const { servers, tls, credentials } = brokerAccess(dir)
    this.#wire = new Wire({ servers, tls, credentials, name, inboxPrefix: inboxOf(name), clock: systemClock })
  }

  /** The machine has joined; its daemon does not run. */
  static async on(machine: Machine): Promise<HostileMember> {
    const member = new HostileMember(new FleetDir(machine.house.config))
    await machine.network.within(() => member.#wire.start({ onConnected: () => {}, onDisconnected: () => {} }))
    return member
  }

  /** With whose key it signs. */
  get signer(): { fleet: string; node: string; key: KeyObject; atMs: number } {
    return { fleet: this.#fleet, node: this.name, key: this.#key, atMs: Date.now() }
  }

  /** What is told on this subject from now on. */
  listen(subject: string): Arrived[] {
    const heard: Arrived[] = []
    this.#wire.listen(subject, (arrived) => heard.push(arrived))
    return heard
  }

  /** Bans them, each of its messages properly signed. Returns what was sent. */
  async ban(addresses: readonly string[], atMs = Date.now()): Promise<Parcel[]> {
    const sent: Parcel[] = []
    for (let from = 0; from < addresses.length; from += 128) {
      const words = addresses.slice(from, from + 128).map((ip) => this.#banOf(ip, atMs))
      const subject = batchSubject(this.name, `q${words[0]?.seq}`)
      sent.push({ subject, body: this.#sealed(words, subject) })
    }
    for (const { subject, body } of sent) this.#wire.send(subject, body)
    await this.#wire.flush()
    return sent
  }

  /** A signed ban that says to be by this node, on this subject. */
  forged(ip: string, { node, subject }: { node: string; subject: string }): Uint8Array {
    return this.#sealed([{ ...this.#banOf(ip, Date.now()), node }], subject)
  }

  async send(subject: string, body: Uint8Array): Promise<void> {
    this.#wire.send(subject, body)
    await this.#wire.flush()
  }

  /** Has the broker publish this where the broker would not let us: as the answer to a question of ours. */
  async throughReply(to: string, body: Uint8Array): Promise<void> {
    const own = `bans.${this.name}.forged.${++this.#seq}`
    await this.#wire.ask(own, body)
    this.#wire.send('$JS.API.DIRECT.GET.BANS', JSON.stringify({ last_by_subj: own }), to)
    await this.#wire.flush()
  }

  close(): Promise<void> {
    return this.#wire.close()
  }

  #banOf(ip: string, atMs: number): BanWord {
    const seq = ++this.#seq
    return {
      kind: 'ban',
      node: this.name,
      seq,
      atMs,
      ip,
      jail: 'sshd',
      untilMs: atMs + hourMs,
      failures: 3,
      byHand: false,
    }
  }

  #sealed(words: readonly BanWord[], subject: string): Uint8Array {
    return seal(words, { fleet: this.#fleet, subject, node: words[0]?.node ?? this.name, key: this.#key })
  }
}
