import type { FleetView } from '../../api/fleet-operations.js'
import type { Ip } from '../../domain/address.js'
import type { Ban } from '../../domain/ban.js'
import { AuditLog } from '../../fleet/audit-log.js'
import { BanLogTransport } from '../../fleet/ban-log/transport.js'
import type { FleetDir } from '../../fleet/enrolment/fleet-dir.js'
import { FleetHost } from '../../fleet/enrolment/host.js'
import { certificatesIn } from '../../fleet/enrolment/membership.js'
import { KnownBans } from '../../fleet/known-bans/known-bans.js'
import { OutboxDrain } from '../../fleet/outbox.js'
import { Reception } from '../../fleet/reception.js'
import { Roster } from '../../fleet/roster.js'
import { Sequences } from '../../fleet/sequence.js'
import type { Parcel } from '../../fleet/transport.js'
import { Judge } from '../../fleet/trust/judge.js'
import type { JailUnit } from '../jails.js'
import { followBanLog } from './ban-log-follow.js'
import { type BanLogIdentity, banLogIdentity } from './ban-log-identity.js'
import { type Lifted, liftMs } from './ban-word.js'
import { CertificateTeller } from './certificate-teller.js'
import { FleetJails } from './fleet-jails.js'
import type { FleetPart } from './fleet-part.js'
import { fleetStateFiles } from './fleet-paths.js'
import type { FleetState } from './fleet-state.js'
import { fleetView } from './fleet-view.js'
import { HeardWords } from './heard-words.js'
import { MembersFile } from './members-file.js'
import { OperatorWords } from './operator-words.js'
import { OwnWords } from './own-words.js'
import { type Count, Sightings } from './sightings.js'

const saveEveryMs = 60_000
const catchUpAgainMs = 5000

/** This machine among others that share a file: `[fleet] transport = file`. */
export class BanLogNode implements FleetPart {
  readonly #state: FleetState
  readonly #identity: BanLogIdentity
  readonly #known = new KnownBans()
  readonly #roster: Roster
  readonly #sequences: Sequences
  readonly #judge: Judge
  readonly #audit: AuditLog
  readonly #transport: BanLogTransport
  readonly #drain: OutboxDrain
  readonly #reception: Reception
  readonly #jails: FleetJails
  readonly #own: OwnWords
  readonly #heard: HeardWords
  readonly #sightings: Sightings
  readonly #certificates: CertificateTeller
  readonly #membersFile: MembersFile
  readonly #host: FleetHost | undefined
  readonly operator: OperatorWords
  #cancelSave = () => {}
  #cancelCatchUp = () => {}
  #isClosed = false

  /** Throws a sentence when the configuration names no file, or this machine's keys cannot be read. */
  constructor(state: FleetState, dir: FleetDir) {
    const { clock, log, store, paths, config, protection } = state
    const own = config.own.fleet
    if (own.path === undefined) throw new Error('[fleet] transport = file needs path = /the/shared/file')
    this.#state = state
    this.#identity = banLogIdentity(dir, own.name)
    const { facts, key, roots, isPlain } = this.#identity
    const { fleet, name } = facts
    this.#jails = new FleetJails(state)
    this.#sightings = new Sightings(this.#jails)
    const files = fleetStateFiles(dir, paths.database)
    this.#membersFile = new MembersFile(files.members, log)
    const remembered = this.#membersFile.read()
    this.#roster = new Roster({ fleet, roots })
    this.#sequences = new Sequences(remembered?.marks)
    this.#judge = new Judge({
      onQuarantine: (node, quarantine) =>
        log.write('ERROR', 'fleet', `${node} is in quarantine, its bans have no effect here: ${quarantine.cause}`),
    })
    this.#judge.restore(remembered?.standings ?? new Map())
    this.#audit = new AuditLog({ path: files.audit, clock, log })
    this.#transport = new BanLogTransport({
      path: own.path,
      node: name,
      isPlain,
      clock,
      log,
      pid: process.pid,
      portOf: (jail) => portOf(state.jails.get(jail)),
      follow: (path, follower) => followBanLog(path, follower, state),
    })
    this.#certificates = new CertificateTeller(this.#transport)
    const rows = store.outbox
    this.#drain = new OutboxDrain({
      fleet,
      node: name,
      key,
      clock,
      log,
      rows,
      transport: this.#transport,
      wordsPerMessage: 1,
    })
    const common = { state, name, known: this.#known, jails: this.#jails }
    this.#own = new OwnWords({ ...common, wake: () => this.#drain.wake() })
    this.#heard = new HeardWords(common)
    this.#reception = new Reception({
      fleet,
      self: name,
      roster: this.#roster,
      sequences: this.#sequences,
      judge: this.#judge,
      audit: this.#audit,
      clock,
      log,
      protection: (ip, jail) => protection.reasonAgainst(ip, jail),
      population: (node, ip) => this.#heard.population(node, ip.text),
      onWord: (heard) => this.#heard.onWord(heard),
      onRoster: (change) => this.#heard.onRoster(change),
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
    if (facts.role !== 'hub') return
    const onCertificates = (parcels: readonly Parcel[]) => this.#publishCertificates(parcels)
    // Machines join as ever; there is no broker to run.
    this.#host = new FleetHost({ dir, stateDir: '', listen: undefined, enrol: own.enrol, log, clock, onCertificates })
  }

  /** Resolves when the first try to reach the file is over; without it the machine goes on alone, and trying. */
  async start(dir: FleetDir): Promise<void> {
    const { log } = this.#state
    if (dir.operatorSeed() !== undefined)
      for (const parcel of certificatesIn(dir)) this.#reception.hear(parcel, 'catch-up')
    await this.#host?.start()
    await this.#transport.start({
      onParcel: (parcel) => this.#reception.hear(parcel, 'live'),
      onPlain: (ban, arrival) => this.#hearPlain(ban, arrival),
      onConnected: () => void this.#onConnected(),
      onDisconnected: (reason) => {
        this.#drain.pause()
        log.write('WARNING', 'fleet', `No way to the others: ${reason}; bans are told when there is one again`)
      },
    })
    this.#save()
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
    const word = this.#sightings.of(unit, id, count, this.#state.clock.now())
    if (word === undefined) return
    const { facts, isPlain } = this.#identity
    // Plain lines tell of bans alone; and what the others would hear of hours later is no evidence any more.
    if (this.#transport.state.connected && !isPlain) this.#own.saySighting(word)
    else this.#jails.offer({ ...word, node: facts.name, seq: 0 }, 'alone')
  }

  get state(): FleetPart['state'] {
    const { connected, url } = this.#transport.state
    const { fleet, name } = this.#identity.facts
    const members = this.#roster.members().filter(({ revokedAtMs }) => revokedAtMs === undefined).length
    return { fleet, name, connected, url, members, words: this.#known.count }
  }

  get view(): FleetView {
    return fleetView({
      facts: this.#identity.facts,
      transport: this.#transport,
      roster: this.#roster,
      judge: this.#judge,
      sequences: this.#sequences,
      aliveMs: new Map(),
      wordsOf: (node) => (node === undefined ? this.#known.count : this.#heard.population(node, '0.0.0.0').ofNode),
      nowMs: this.#state.clock.now(),
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelSave()
    this.#cancelCatchUp()
    this.#drain.close()
    await this.#transport.close()
    await this.#host?.close()
    this.#save()
    this.#audit.close()
  }

  /** Fail2ban nodes repeat what they have read (each of them, each ban): what is banned already is no news, and no reason for more time. */
  #hearPlain(ban: { ip: Ip; atMs: number }, arrival: 'live' | 'catch-up'): void {
    if (!this.#state.config.own.fleet.unsigned) return
    if (this.#heard.isStanding(ban.ip.text)) this.#transport.countEcho()
    else this.#reception.hearPlain(ban, arrival)
  }

  async #onConnected(): Promise<void> {
    const { log, config } = this.#state
    const { facts, isPlain } = this.#identity
    const as = isPlain
      ? `${facts.name}, without signatures: this machine is in no fleet`
      : `${facts.name} of ${facts.fleet}`
    log.write('NOTICE', 'fleet', `Connected to the fleet by ${config.own.fleet.path} as ${as}`)
    this.#certificates.again()
    this.#drain.resume()
    await this.#catchUp()
  }

  async #catchUp(): Promise<void> {
    this.#cancelCatchUp()
    if (this.#isClosed) return
    const { log, clock, store } = this.#state
    try {
      await this.#transport.catchUp((parcel) => this.#reception.hear(parcel, 'catch-up'))
      const told = this.#sequences.newestOf(this.#identity.facts.name) ?? 0
      // Our own disk has forgotten what the file still has.
      if (told > store.outbox.lastSeq) store.outbox.raiseTo(told)
    } catch (error) {
      log.write('WARNING', 'fleet', `What was told meanwhile cannot be read yet, it is tried again: ${String(error)}`)
      this.#cancelCatchUp = clock.after(catchUpAgainMs, () => void this.#catchUp())
    }
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

/** Of a jail that closes one list of ports the first; 0: it is a range, or all. Whoever reads it takes it for a remark. */
function portOf(unit: JailUnit | undefined): number {
  const ports = unit?.scope?.ports
  const [first] = ports === undefined || ports === 'all' ? [] : ports
  return first !== undefined && first.first === first.last ? first.first : 0
}
