import type { FleetView } from '../../api/fleet-operations.js'
import { parseIp } from '../../domain/address.js'
import type { Ban } from '../../domain/ban.js'
import { AuditLog } from '../../fleet/audit-log.js'
import { brokerAccess } from '../../fleet/enrolment/broker-access.js'
import { type FleetDir, type FleetFacts, operatorName } from '../../fleet/enrolment/fleet-dir.js'
import { FleetHost } from '../../fleet/enrolment/host.js'
import { certificatesIn } from '../../fleet/enrolment/membership.js'
import { KnownBans } from '../../fleet/known-bans/known-bans.js'
import { keyPairOf, publicKeyOf } from '../../fleet/message/key.js'
import { brokerStateDir } from '../../fleet/nats/managed.js'
import { NatsTransport } from '../../fleet/nats/transport.js'
import { OutboxDrain, rowOf, type Unsaid } from '../../fleet/outbox.js'
import { type Heard, Reception } from '../../fleet/reception.js'
import { Roster, type RosterChange } from '../../fleet/roster.js'
import { Sequences } from '../../fleet/sequence.js'
import type { Parcel } from '../../fleet/transport.js'
import { Judge } from '../../fleet/trust/judge.js'
import type { Word } from '../../fleet/word.js'
import type { JailUnit } from '../jails.js'
import { banWordOf, type Lifted, liftMs, liftWordOf } from './ban-word.js'
import { CertificateTeller } from './certificate-teller.js'
import { FleetJails } from './fleet-jails.js'
import { fleetStateFiles } from './fleet-paths.js'
import type { FleetState } from './fleet-state.js'
import { fleetView } from './fleet-view.js'
import { MembersFile } from './members-file.js'
import { OperatorWords } from './operator-words.js'
import { type Count, Sightings } from './sightings.js'

const saveEveryMs = 60_000
const catchUpAgainMs = 2000

/** This machine among the others: tells them whom it bans, and bans whom they tell of, as its jails with `backend = fleet` say. */
export class FleetNode {
  readonly #state: FleetState
  readonly #facts: FleetFacts
  readonly #known = new KnownBans()
  readonly #roster: Roster
  readonly #sequences: Sequences
  readonly #judge: Judge
  readonly #audit: AuditLog
  readonly #transport: NatsTransport
  readonly #drain: OutboxDrain
  readonly #reception: Reception
  readonly #host: FleetHost
  readonly #jails: FleetJails
  readonly #aliveMs = new Map<string, number>()
  /** What can be said to the whole fleet here. */
  readonly operator: OperatorWords
  readonly #sightings: Sightings
  readonly #certificates: CertificateTeller
  readonly #membersFile: MembersFile
  #cancelSave = () => {}
  #cancelCatchUp = () => {}
  #isClosed = false

  /** Throws a sentence when this machine is in no fleet. */
  constructor(state: FleetState, dir: FleetDir) {
    const { clock, log, store, paths, config, protection } = state
    const own = config.own.fleet
    const access = brokerAccess(dir, own.url)
    const facts = dir.facts()
    const operatorKey = publicKeyOf(facts?.operatorKey)
    if (facts === undefined || operatorKey === undefined)
      throw new Error(`${dir.path}/fleet.json names no operator's key`)
    this.#state = state
    this.#facts = facts
    this.#jails = new FleetJails(state)
    this.#sightings = new Sightings(this.#jails)
    const files = fleetStateFiles(dir, paths.database)
    this.#membersFile = new MembersFile(files.members, log)
    const remembered = this.#membersFile.read()
    this.#roster = new Roster({ fleet: facts.fleet, roots: new Map([[operatorName, operatorKey]]) })
    this.#sequences = new Sequences(remembered?.marks)
    this.#judge = new Judge({
      onQuarantine: (node, quarantine) =>
        log.write(
          'ERROR',
          'fleet',
          `${node} is in quarantine, its bans have no effect here: ${JSON.stringify(quarantine)}`,
        ),
    })
    this.#audit = new AuditLog({ path: files.audit, clock, log })
    const key = keyPairOf(dir.nodeSeed()).privateKey
    const memberOf = (name: string) => this.#roster.memberOf(name)
    const common = { fleet: facts.fleet, node: facts.name, key, clock, log }
    this.#transport = new NatsTransport({
      ...common,
      ...access,
      memberOf,
      own: () => ({ seq: store.outbox.lastSeq, words: this.#known.words(clock.now(), facts.name) }),
      ...(facts.role === 'hub' && { replicas: 1 }),
    })
    this.#certificates = new CertificateTeller(this.#transport)
    this.#drain = new OutboxDrain({ ...common, rows: store.outbox, transport: this.#transport })
    this.#reception = new Reception({
      fleet: facts.fleet,
      self: facts.name,
      roster: this.#roster,
      sequences: this.#sequences,
      judge: this.#judge,
      audit: this.#audit,
      clock,
      log,
      protection: (ip, jail) => protection.reasonAgainst(ip, jail),
      population: (node, ip) => this.#population(node, ip.text),
      onOpened: (node, seqs) => this.#transport.heard?.(node, seqs),
      onWord: (heard) => this.#onWord(heard),
      onRoster: (change) => this.#onRoster(change),
      onStatement: () => {},
    })
    this.operator = new OperatorWords({
      dir,
      facts,
      known: this.#known,
      sequences: this.#sequences,
      transport: this.#transport,
      hear: (parcel) => this.#reception.hear(parcel, 'live'),
      clock,
      liftMs,
    })
    this.#host = new FleetHost({
      dir,
      stateDir: brokerStateDir(dir, paths.database),
      listen: own.server === 'managed' ? own.listen : undefined,
      enrol: own.enrol,
      log,
      clock,
      onCertificates: (parcels) => this.#publishCertificates(parcels),
    })
    this.#knowOwn()
  }

  /** Resolves when the first try to reach the broker is over; without one the node goes on alone, and trying. */
  async start(dir: FleetDir): Promise<void> {
    const { log, clock, store } = this.#state
    if (dir.operatorSeed() !== undefined)
      for (const parcel of certificatesIn(dir)) this.#reception.hear(parcel, 'catch-up')
    if (this.#facts.role === 'hub') await this.#host.start()
    await this.#transport.start({
      onParcel: (parcel) => this.#reception.hear(parcel, 'live'),
      onConnected: () => void this.#onConnected(),
      onDisconnected: (reason) => {
        this.#drain.pause()
        log.write('WARNING', 'fleet', `No way to the others: ${reason}; bans are told when there is one again`)
      },
      onGap: () => void this.#catchUp(),
      onAlive: (node) => this.#aliveMs.set(node, clock.now()),
      onAhead: (seq) => store.outbox.raiseTo(seq),
      onForeignParcel: (parcel) =>
        log.write('ERROR', 'fleet', `Somebody tells in our name, on ${parcel.subject}: he can publish on our subjects`),
    })
    this.#save()
  }

  /** Bans of this machine's, found out by itself or ordered here. `keep` writes them down, and the words for the others with them; it may throw. */
  tell(bans: readonly Ban[], keep: (texts: string[]) => void): void {
    const atMs = this.#state.clock.now()
    const words = bans.filter((ban) => this.#isOwn(ban)).map((ban) => banWordOf({ ...ban, atMs }))
    this.#say(words, keep)
  }

  /** Bans that are lifted by hand, if others have been told of them. */
  untell(lifts: readonly Lifted[], keep: (texts: string[]) => void): void {
    const nowMs = this.#state.clock.now()
    const words = lifts.filter((lift) => this.#isTold(lift, nowMs)).map((lift) => liftWordOf(lift, nowMs))
    this.#say(words, keep)
    for (const { ip } of words) if (this.#known.standing(ip, nowMs).length === 0) this.#jails.lift(ip)
  }

  /** The same of all bans of these jails. */
  untellAll(jails: readonly string[], keep: (texts: string[]) => void): void {
    const own = [...this.#known.words(this.#state.clock.now(), this.#facts.name)]
    const lifts = own.flatMap(({ kind, ip, jail }) => (kind === 'ban' && jails.includes(jail) ? { id: ip, jail } : []))
    this.untell(lifts, keep)
  }

  /** A jail of this machine has counted a failure that led to no ban, or not yet. */
  counted(unit: JailUnit, id: string, count: Count): void {
    const word = this.#sightings.of(unit, id, count, this.#state.clock.now())
    if (word === undefined) return
    // What the others would hear of hours later is no evidence any more, and too much at once.
    if (this.#transport.state.connected) this.#saySighting(word)
    else this.#jails.offer({ ...word, node: this.#facts.name, seq: 0 }, 'alone')
  }

  get state(): {
    fleet: string
    name: string
    connected: boolean
    url: string | undefined
    members: number
    words: number
  } {
    const { connected, url } = this.#transport.state
    const members = this.#roster.members().filter(({ revokedAtMs }) => revokedAtMs === undefined).length
    return { fleet: this.#facts.fleet, name: this.#facts.name, connected, url, members, words: this.#known.count }
  }

  get view(): FleetView {
    return fleetView({
      facts: this.#facts,
      transport: this.#transport,
      roster: this.#roster,
      judge: this.#judge,
      sequences: this.#sequences,
      aliveMs: this.#aliveMs,
      wordsOf: (node) => (node === undefined ? this.#known.count : this.#population(node, '0.0.0.0').ofNode),
      nowMs: this.#state.clock.now(),
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelSave()
    this.#cancelCatchUp()
    this.#drain.close()
    await this.#transport.close()
    await this.#host.close()
    this.#save()
    this.#audit.close()
  }

  #population(node: string, ip: string) {
    const nothing = { kind: 'unban', seq: 0, atMs: 0, jail: undefined, everywhere: false, untilMs: 0 } as const
    return this.#known.population({ ...nothing, node, ip })
  }

  /** What was in force when we started: the others may have been told of it. */
  #knowOwn(): void {
    const { bans, clock } = this.#state
    for (const ban of bans.live.all()) {
      if (!this.#isOwn(ban)) continue
      // The database knows seconds: a ban that began in the second in which an address was lifted is taken to be the later.
      const atMs = Math.min(ban.startMs + 999, clock.now())
      const word = banWordOf({ ...ban, failures: 0, origin: { kind: 'jail' }, atMs })
      this.#known.tell({ ...word, node: this.#facts.name, seq: 1 }, { nowMs: clock.now() })
    }
  }

  /** Neither by the others' word, nor of a text that only this machine understands. */
  #isOwn({ id, jail }: Lifted): boolean {
    return this.#state.jails.get(jail)?.config.source.kind !== 'fleet' && parseIp(id) !== undefined
  }

  #isTold({ id, jail }: Lifted, nowMs: number): boolean {
    const isSame = (ban: { node: string; jail: string }) => ban.node === this.#facts.name && ban.jail === jail
    return parseIp(id) !== undefined && this.#known.standing(id, nowMs).some(isSame)
  }

  #say(words: readonly Unsaid[], keep: (texts: string[]) => void): void {
    const { store, clock } = this.#state
    keep(words.map(rowOf))
    if (words.length === 0) return
    const firstSeq = store.outbox.lastSeq - words.length + 1
    const said = words.map((word, i): Word => ({ ...word, node: this.#facts.name, seq: firstSeq + i }))
    for (const word of said) if (word.kind !== 'sighting') this.#known.tell(word, { nowMs: clock.now() })
    this.#drain.wake()
    // What we have seen counts here as it does where it is told.
    for (const word of said) if (word.kind !== 'unban') this.#jails.offer(word, 'alone')
  }

  #saySighting(word: Unsaid): void {
    const { store, log } = this.#state
    try {
      this.#say([word], (texts) => store.outbox.add(texts))
    } catch (error) {
      log.write('ERROR', 'fleet', `A sighting for the others cannot be kept: ${String(error)}`)
    }
  }

  async #onConnected(): Promise<void> {
    this.#state.log.write('NOTICE', 'fleet', `Connected to the fleet ${this.#facts.fleet} as ${this.#facts.name}`)
    this.#certificates.again()
    this.#drain.resume()
    await this.#catchUp()
  }

  /** Tried again until it works: streams or their leader may be missing for a while. */
  async #catchUp(): Promise<void> {
    this.#cancelCatchUp()
    if (this.#isClosed || !this.#transport.state.connected) return
    const { log, clock } = this.#state
    try {
      await this.#transport.catchUp(
        (parcel) => this.#reception.hear(parcel, 'catch-up'),
        (node, words) => this.#reception.hearSnapshot(node, words),
      )
    } catch (error) {
      log.write('INFO', 'fleet', `What was told meanwhile cannot be fetched yet, it is tried again: ${String(error)}`)
      this.#cancelCatchUp = clock.after(catchUpAgainMs, () => void this.#catchUp())
    }
  }

  #onWord({ word, ip, cappedUntilMs, effect }: Heard): void {
    const { clock } = this.#state
    const nowMs = clock.now()
    if (word.kind !== 'sighting' && this.#known.tell(word, { untilMs: cappedUntilMs, nowMs }) !== 'kept') return
    if (word.kind === 'unban') {
      if (word.everywhere)
        this.#jails.liftEverywhere(word, { self: this.#facts.name, standing: this.#known.standing(ip.text, nowMs) })
      else if (this.#known.standing(ip.text, nowMs).every(({ node }) => node === this.#facts.name))
        this.#jails.lift(ip.text)
      return
    }
    if (effect === 'hold' || this.#known.isLifted({ ip: word.ip, jail: word.jail, atMs: word.atMs }, nowMs)) return
    this.#jails.offer(word, effect === 'enforce' ? 'alone' : 'with-others')
  }

  #onRoster(change: RosterChange): void {
    const { log, clock } = this.#state
    if (change.kind === 'joined') log.write('NOTICE', 'fleet', `${change.member.name} is in the fleet`)
    if (change.kind !== 'revoked') return
    const { name } = change.member
    log.write('WARNING', 'fleet', `${name} is revoked: what it has told has no effect any more`)
    this.#jails.withdraw(name)
    for (const ip of this.#known.withdraw(name))
      if (this.#known.standing(ip, clock.now()).every(({ node }) => node === this.#facts.name)) this.#jails.lift(ip)
  }

  #publishCertificates(parcels: readonly Parcel[]): void {
    for (const parcel of parcels) {
      this.#reception.hear(parcel, 'catch-up')
      this.#certificates.tell(parcel)
    }
  }

  #save(): void {
    const { clock } = this.#state
    this.#membersFile.write({ sequences: this.#sequences, judge: this.#judge }, clock.now())
    this.#known.expire(clock.now())
    if (!this.#isClosed) this.#cancelSave = clock.after(saveEveryMs, () => this.#save())
  }
}
