import type { FleetDrillOutcome, FleetView } from '../../api/fleet-operations.js'
import type { OwnSettings } from '../../config/own-settings.js'
import type { Ip } from '../../domain/address.js'
import type { Ban } from '../../domain/ban.js'
import type { FleetDir } from '../../fleet/enrolment/fleet-dir.js'
import { FleetHost } from '../../fleet/enrolment/host.js'
import { certificatesIn } from '../../fleet/enrolment/membership.js'
import type { Statement } from '../../fleet/message/statement.js'
import { type FleetMode, modeWordOf } from '../../fleet/mode.js'
import { OutboxDrain } from '../../fleet/outbox.js'
import { Reception, type StatementOutcome } from '../../fleet/reception.js'
import type { Parcel, Transport } from '../../fleet/transport.js'
import type { Quarantine } from '../../fleet/trust/standing.js'
import { messageOf } from '../../lib/error-message.js'
import type { JailUnit } from '../jails.js'
import { type Lifted, liftMs } from './ban-word.js'
import { liftLapsed, type Settled, settleCaughtUp } from './caught-up.js'
import { CertificateTeller } from './certificate-teller.js'
import { FleetAddresses } from './fleet-addresses.js'
import { FleetCalls } from './fleet-calls.js'
import { FleetJails } from './fleet-jails.js'
import { FleetKnowledge } from './fleet-knowledge.js'
import type { FleetPart } from './fleet-part.js'
import { fleetStateFiles } from './fleet-paths.js'
import type { FleetState } from './fleet-state.js'
import { fleetView } from './fleet-view.js'
import type { FleetWay } from './fleet-way.js'
import { HeardWords } from './heard-words.js'
import { OperatorWords } from './operator-words.js'
import { OwnWords } from './own-words.js'
import { Presence } from './presence.js'
import type { Count } from './sightings.js'

const catchUpAgainMs = 2000

/** This machine among the others: tells them whom it bans, and bans whom they tell of, as its jails with `backend = fleet` say. */
export class FleetNode implements FleetPart {
  readonly #state: FleetState
  readonly #dir: FleetDir
  readonly #way: FleetWay
  readonly #knowledge: FleetKnowledge
  readonly #transport: Transport
  readonly #drain: OutboxDrain
  readonly #own: OwnWords
  readonly #heard: HeardWords
  readonly #reception: Reception
  readonly #certificates: CertificateTeller
  readonly #host: FleetHost | undefined
  readonly #addresses: FleetAddresses
  readonly #settled: Settled
  readonly #presence = new Presence()
  readonly #calls: FleetCalls
  readonly operator: OperatorWords
  #cancelCatchUp = () => {}
  #isClosed = false
  #isCaughtUp = false

  constructor(state: FleetState, dir: FleetDir, way: FleetWay) {
    const { clock, log, store, paths, config, protection } = state
    const { facts, key, roots } = way.identity
    const { fleet } = facts
    this.#state = state
    this.#dir = dir
    this.#way = way
    const files = fleetStateFiles(dir, paths.database)
    const common = { fleet, clock, log }
    const knowledge = new FleetKnowledge({ ...common, self: facts.name, roots, files, settings: config.own.fleet })
    this.#knowledge = knowledge
    const { self, roster, sequences, judge, audit } = knowledge
    const transport = way.transportOf(knowledge, () => this.#calls.facts)
    this.#transport = transport
    this.#certificates = new CertificateTeller(transport, clock)
    const { wordsPerMessage } = way
    this.#drain = new OutboxDrain({
      ...common,
      node: self,
      key,
      rows: store.outbox,
      transport,
      ...(wordsPerMessage && { wordsPerMessage }),
    })
    const jails = new FleetJails(state, () => knowledge.mode.mode)
    this.#addresses = new FleetAddresses({
      protection,
      isTrusted: (node) => knowledge.isTrusted(node),
      onPeer: (ip, node) => {
        log.write('INFO', 'fleet', `${node} is at ${ip.text}`)
        jails.lift(ip.text)
      },
    })
    this.#own = new OwnWords({ state, knowledge, jails, wake: () => this.#drain.wake() })
    this.#settled = { state, knowledge, jails }
    this.#heard = new HeardWords({ ...this.#settled, onForgotten: (node) => this.#onForgotten(node) })
    this.#reception = new Reception({
      self,
      roster,
      sequences,
      judge,
      audit,
      ...common,
      protection: (ip, jail) => protection.reasonAgainst(ip, jail) ?? this.#addresses.reasonAgainst(ip),
      population: (node, ip) => knowledge.population(node, ip.text),
      onOpened: (node, seqs) => transport.heard?.(node, seqs),
      onWord: (heard) => this.#heard.onWord(heard),
      onRoster: (change) => {
        this.#heard.onRoster(change)
        if (change.kind === 'joined') this.#look(change.member.name)
      },
      onStatement: (what, statement, { name }) => this.#onStatement(what, statement, name),
    })
    this.#calls = new FleetCalls({
      state,
      identity: way.identity,
      isPlain: way.isPlain === true,
      knowledge,
      transport,
      presence: this.#presence,
      mode: () => knowledge.mode.mode,
    })
    this.operator = new OperatorWords({
      dir,
      facts,
      known: knowledge.bans,
      sequences,
      transport,
      hear: (parcel) => this.#reception.hear(parcel, 'live'),
      mode: knowledge.mode,
      tellLater: (parcel) => this.#certificates.tell(parcel),
      clock,
      liftMs,
    })
    if (facts.role !== 'hub') return
    const onCertificates = (parcels: readonly Parcel[]) => {
      for (const parcel of parcels) this.#reception.hear(parcel, 'catch-up')
      for (const parcel of parcels) this.#certificates.tell(parcel)
    }
    this.#host = new FleetHost({ dir, ...way.broker, enrol: config.own.fleet.enrol, log, clock, onCertificates })
  }

  /** Resolves when the first try to reach the others is over; without them the node goes on alone, and trying. */
  async start(): Promise<void> {
    const { log, clock, store } = this.#state
    this.#knowledge.start(this.#heard)
    this.#knowledge.mode.watch((mode) => this.#heard.onMode(mode))
    if (this.#dir.operatorSeed() !== undefined)
      for (const parcel of [...certificatesIn(this.#dir), ...this.operator.lastMode()])
        this.#reception.hear(parcel, 'catch-up')
    void this.#addresses.setBrokers(this.#way.brokerUrls ?? '')
    await this.#host?.start()
    await this.#transport.start({
      onParcel: (parcel) => {
        if (!this.#calls.hear(parcel)) this.#reception.hear(parcel, 'live')
      },
      onPlain: (ban, arrival) => this.#hearPlain(ban, arrival),
      onConnected: () => void this.#onConnected(),
      onDisconnected: (reason) => {
        this.#drain.pause()
        log.write('WARNING', 'fleet', `No way to the others: ${reason}; bans are told when there is one again`)
      },
      onGap: () => void this.#catchUp(),
      onAddress: (node, address) => this.#addresses.tell(node, address),
      onAlive: (node, { atMs, facts }) => this.#presence.alive(node, Math.min(atMs, clock.now()), facts),
      onAhead: (seq) => store.outbox.raiseTo(seq),
      onForeignParcel: (parcel) =>
        log.write('ERROR', 'fleet', `Somebody tells in our name, on ${parcel.subject}: he can publish on our subjects`),
    })
  }

  tell(bans: readonly Ban[], keep: (texts: string[]) => void): void {
    this.#own.tell(bans, keep)
  }

  untell(lifts: readonly Lifted[], keep: (texts: string[]) => void): void {
    this.#own.untell(lifts, keep)
  }

  untellAll(jails: readonly string[], keep: (texts: string[]) => void): void {
    this.#own.untellAll(jails, keep)
  }

  counted(unit: JailUnit, id: string, count: Count): void {
    // What the others would hear of hours later is no evidence any more, and too much at once.
    this.#own.counted(unit, id, count, this.#transport.state.connected && !this.#way.isPlain)
  }

  get state(): FleetPart['state'] {
    const { connected, url } = this.#transport.state
    const { fleet, name } = this.#way.identity.facts
    const { roster, bans, mode } = this.#knowledge
    const members = roster.members().filter(({ revokedAtMs }) => revokedAtMs === undefined).length
    return { fleet, name, connected, url, members, words: bans.count, mode: mode.mode }
  }

  get view(): FleetView {
    return fleetView({
      ...this.#settled,
      fleet: this.#way.identity.facts.fleet,
      transport: this.#transport,
      presence: this.#presence,
      facts: this.#calls.facts,
      wouldBan: this.#settled.jails.wouldBan,
    })
  }

  setModeHere(mode: FleetMode): void {
    this.#knowledge.setModeHere(mode)
  }

  ask(): Promise<void> {
    return this.#calls.ask()
  }

  drill(forMs: number): Promise<FleetDrillOutcome> {
    return this.#calls.drill(forMs)
  }

  release(name: string): Quarantine | undefined {
    if (this.#knowledge.roster.memberOf(name) === undefined)
      throw new Error(`${JSON.stringify(name)} is not in the fleet; 'tocsin fleet status' lists who is`)
    return this.#knowledge.release(name)
  }

  use(settings: OwnSettings['fleet']): void {
    this.#knowledge.use(settings)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelCatchUp()
    this.#certificates.close()
    this.#drain.close()
    await this.#transport.close()
    await this.#host?.close()
    this.#knowledge.close()
  }

  /** Fail2ban nodes repeat what they have read (each of them, each ban): what is banned already is no news, and no reason for more time. */
  #hearPlain(ban: { ip: Ip; atMs: number }, arrival: 'live' | 'catch-up'): void {
    if (!this.#state.config.own.fleet.unsigned) return
    if (this.#knowledge.standing(ban.ip.text).length > 0) this.#transport.countEcho?.()
    else this.#reception.hearPlain(ban, arrival)
  }

  async #onConnected(): Promise<void> {
    this.#state.log.write('NOTICE', 'fleet', `Connected to ${this.#way.name}`)
    void this.#addresses.setBrokers(this.#way.brokerUrls ?? '')
    this.#certificates.again()
    this.#drain.resume()
    await this.#catchUp()
    // A broker may have lost what is kept for those who come later.
    for (const parcel of this.operator.lastMode()) this.#certificates.tell(parcel)
  }

  /** Only whoever has made the fleet: a machine that is believed like an operator has a key of its own. */
  #onStatement(what: string, statement: Statement, name: string): StatementOutcome {
    const word = what === 'mode' ? modeWordOf(statement) : undefined
    if (word === undefined) return { refused: 'malformed', detail: 'it is no statement that we know' }
    if (!this.#way.identity.roots.has(name))
      return { refused: 'not-an-operator', detail: "only the fleet's own operator says that" }
    return this.#knowledge.mode.hear(word) ? { news: `mode ${word.mode}` } : 'known'
  }

  #onForgotten(node: string): void {
    this.#transport.forget?.(node)
    // Else the catch-up ends with it.
    if (this.#isCaughtUp) void liftLapsed(this.#settled)
  }

  /** Where a new member is, and what it has told already: all of it was refused until he was one. */
  #look(node: string): void {
    // A catch-up reads it anyway, after the memberships.
    if (!this.#isCaughtUp || !this.#transport.state.connected) return
    this.#transport
      .look?.(node)
      .catch((error: unknown) =>
        this.#state.log.write('INFO', 'fleet', `The state of ${node} cannot be asked for: ${messageOf(error)}`),
      )
  }

  /** Tried again until it works: streams, their leader or a share may be missing for a while. */
  async #catchUp(): Promise<void> {
    this.#cancelCatchUp()
    if (this.#isClosed || !this.#transport.state.connected) return
    const { bans, log, clock } = this.#state
    this.#isCaughtUp = false
    try {
      await bans.enforceFirst(() =>
        this.#transport.catchUp(
          (parcel) => this.#reception.hear(parcel, 'catch-up'),
          (node, words) => this.#reception.hearSnapshot(node, words),
        ),
      )
      this.#isCaughtUp = true
      await settleCaughtUp(this.#settled)
    } catch (error) {
      log.write('INFO', 'fleet', `What was told meanwhile cannot be fetched, tried again: ${messageOf(error)}`)
      this.#cancelCatchUp = clock.after(catchUpAgainMs, () => void this.#catchUp())
    }
  }
}
