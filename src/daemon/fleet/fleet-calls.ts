import type { FleetDrillOutcome } from '../../api/fleet-operations.js'
import { Answering } from '../../fleet/calls/answering.js'
import type { DrillOrder, DrillReport } from '../../fleet/calls/call.js'
import { type Answered, Calling } from '../../fleet/calls/calling.js'
import type { Facts } from '../../fleet/calls/facts.js'
import type { FleetMode } from '../../fleet/mode.js'
import type { Parcel, Transport } from '../../fleet/transport.js'
import type { NodeName } from '../../fleet/word.js'
import { version } from '../../lib/version.js'
import { banCounts } from './ban-counts.js'
import { drillOutcome } from './drill-outcome.js'
import { Drills } from './drills.js'
import type { FleetIdentity } from './fleet-identity.js'
import type { FleetKnowledge } from './fleet-knowledge.js'
import type { FleetState } from './fleet-state.js'
import type { Presence } from './presence.js'

export interface FleetCallsOptions {
  state: FleetState
  identity: FleetIdentity
  /** Whether this machine cannot sign. */
  isPlain: boolean
  knowledge: FleetKnowledge
  transport: Transport
  presence: Presence
  mode(): FleetMode
}

/** How long somebody who is there may take: a shared file is polled, and read again. */
const drillPatienceMs = { nats: 5000, file: 30_000 } as const
/** Whoever looks at a list does not wait longer for those who are away; what comes later is seen the next time. */
const askPatienceMs = 400
/** Every question has as many answers as there are machines. */
const askAgainMs = { least: 900, perMember: 10 }
/** Counting takes milliseconds (ban-counts): not more than a twentieth of the time. */
const factsAge = { leastMs: 200, timesItsWork: 20 }

/** What machines ask one another: how they are, and to drill. */
export class FleetCalls {
  readonly #options: FleetCallsOptions
  readonly #drills: Drills
  readonly #calling: Calling
  readonly #answering: Answering
  #facts: { facts: Facts; atMs: number; ageMsMax: number } | undefined
  #asked: { atMs: number; done: Promise<unknown> } | undefined
  #isDrilling = false

  constructor(options: FleetCallsOptions) {
    this.#options = options
    const { state, identity, knowledge, transport, presence, mode } = options
    const { clock } = state
    const { facts, key } = identity
    const common = {
      fleet: facts.fleet,
      node: facts.name,
      key,
      clock,
      memberOf: (name: NodeName) => knowledge.roster.memberOf(name),
      publish: (parcel: Parcel) => transport.publish(parcel),
    }
    this.#drills = new Drills({ state, mode, distrust: (node) => this.#distrust(node) })
    this.#calling = new Calling({
      ...common,
      onAnswer: (node, answered) => presence.answered(node, answered, clock.now()),
    })
    this.#answering = new Answering({
      ...common,
      audit: knowledge.audit,
      facts: () => this.facts,
      drill: (order, { name }) => this.#drills.run(order, name),
    })
  }

  /** Anything that somebody has published; whether it was a call or an answer. */
  hear(parcel: Parcel): boolean {
    if (parcel.subject.startsWith('call.')) void this.#answering.hear(parcel)
    else if (parcel.subject.startsWith('answer.')) this.#calling.hear(parcel)
    else return false
    return true
  }

  /** What this machine says of itself. */
  get facts(): Facts {
    const { state, mode } = this.#options
    const atMs = state.clock.now()
    if (this.#facts !== undefined && Math.abs(atMs - this.#facts.atMs) < this.#facts.ageMsMax) return this.#facts.facts
    const fromMs = performance.now()
    const counts = banCounts(state.bans.live, (jail) => state.jails.get(jail)?.config.source.kind === 'fleet')
    const ageMsMax = Math.max(factsAge.leastMs, (performance.now() - fromMs) * factsAge.timesItsWork)
    const simulates = state.enforcer.kind === 'simulate'
    const facts = { version, ...counts, ...(simulates && { enforced: 0 }), simulates, mode: mode() }
    this.#facts = { facts, atMs, ageMsMax }
    return facts
  }

  /** Bans an address of nobody's for `forMs` everywhere. Throws a sentence when the others cannot be asked. */
  async drill(forMs: number): Promise<FleetDrillOutcome> {
    const { knowledge, transport, isPlain } = this.#options
    if (isPlain)
      throw new Error("Drills need signatures, and this machine has no key: 'tocsin fleet init' or join first")
    if (!transport.state.connected)
      throw new Error('There is no way to the others at present; tocsin fleet status shows it')
    if (this.#isDrilling) throw new Error('There is a drill already; try again in a few seconds')
    const ip = this.#drills.freeAddress()
    if (ip === undefined)
      throw new Error('There is no address to drill with: all for documentation (RFC 5737) are in use here')
    this.#isDrilling = true
    try {
      const order = { ip, forMs }
      const patienceMs = drillPatienceMs[transport.kind]
      const [own, answers] = await Promise.all([
        this.#drillHere(order),
        this.#calling.call({ drill: order, expected: this.#others(), patienceMs }),
      ])
      return drillOutcome(order, { self: knowledge.self, own, answers, expected: this.#others() })
    } finally {
      this.#isDrilling = false
    }
  }

  /** Has all others say how they are, as soon as they can; not by a shared file, which would grow by it. */
  async ask(): Promise<void> {
    const { state, transport } = this.#options
    if (transport.kind === 'file' || !transport.state.connected) return
    const nowMs = state.clock.now()
    const expected = this.#others()
    const againMs = Math.max(askAgainMs.least, askAgainMs.perMember * expected.size)
    if (this.#asked === undefined || Math.abs(nowMs - this.#asked.atMs) >= againMs) {
      // Who cannot be asked now is shown as he was.
      const done = this.#calling.call({ expected, patienceMs: askPatienceMs }).catch(() => {})
      this.#asked = { atMs: nowMs, done }
    }
    await this.#asked.done
  }

  async #drillHere(order: DrillOrder): Promise<Answered & { drill: DrillReport }> {
    const fromMs = performance.now()
    const drill = await this.#drills.run(order, this.#options.knowledge.self)
    const tookMs = performance.now() - fromMs
    return { drill, tookMs, afterMs: tookMs, facts: this.facts }
  }

  #others(): Set<NodeName> {
    const { roster, self } = this.#options.knowledge
    const members = roster.members().filter(({ name, revokedAtMs }) => name !== self && revokedAtMs === undefined)
    return new Set(members.map(({ name }) => name))
  }

  #distrust(node: NodeName): string | undefined {
    const { judge, self } = this.#options.knowledge
    const quarantine = node === self ? undefined : judge.quarantineOf(node, this.#options.state.clock.now())
    return quarantine && `${node} is in quarantine here (${quarantine.cause})`
  }
}
