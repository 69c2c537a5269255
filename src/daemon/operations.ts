import type {
  FleetDrillOutcome,
  FleetModeName,
  FleetModeOutcome,
  FleetReleaseOutcome,
  FleetUnbanOutcome,
  FleetView,
} from '../api/fleet-operations.js'
import { metricsText } from '../api/metrics.js'
import type {
  AuditView,
  BanOutcome,
  BanRequest,
  BanView,
  ConfirmOutcome,
  Explanation,
  JailStatus,
  Operations,
  ProtectedView,
  ReloadOutcome,
  ResumeOutcome,
  Status,
  StopOutcome,
  UnbanOutcome,
  UnbanRequest,
} from '../api/operations.js'
import type { LiveBan } from '../bans/live-bans.js'
import { parseIp } from '../domain/address.js'
import { endMs } from '../domain/ban.js'
import type { Drops, Scope } from '../domain/enforcer.js'
import { version } from '../lib/version.js'
import { findings } from './audit-findings.js'
import { banOutcomeOf, finite } from './ban-outcome.js'
import { banByHand, letOut, networksOver } from './by-hand.js'
import { reasonsNotToStart } from './check.js'
import { drillInFleet, releaseInFleet, setFleetMode, unbanInFleet } from './fleet/fleet-operations.js'
import type { JailUnit } from './jails.js'
import { metricsOf } from './metrics.js'
import { confirmTrials, enactOnTrial } from './on-trial.js'
import { heldIn, protectedView, resumeJail } from './protected-view.js'
import { manualScope, type State } from './state.js'

/** So much of the line that a pattern took too long on is shown. */
const quarantinedLineMax = 200

export interface Lifecycle {
  reload(): Promise<ReloadOutcome>
  stop(options: { keep: boolean }): Promise<void>
}

/** What an operator asks for, carried out on the running daemon. */
export class DaemonOperations implements Operations {
  readonly #state: State
  readonly #lifecycle: Lifecycle

  constructor(state: State, lifecycle: Lifecycle) {
    this.#state = state
    this.#lifecycle = lifecycle
  }

  version(): ReturnType<Operations['version']> {
    return { version, pid: process.pid, node: process.versions.node }
  }

  async status(): Promise<Status> {
    const { bans, enforcer, enforcerReason, paths, config, startedMs, jails } = this.#state
    const counts = bans.live.counts()
    const drops = await this.#state.drops.read()
    const { last, foreignChanges } = this.#state.auditing.account
    return {
      ...this.version(),
      startedMs,
      configDir: config.dir,
      enforcement: {
        kind: enforcer.kind,
        reason: enforcerReason,
        trouble: bans.trouble.enforcing,
        failures: bans.enforcementFailures,
        foreignChanges,
        audit: last && { ...last, findings: findings(last) },
      },
      store: { file: paths.database, trouble: bans.trouble.storing },
      ...(this.#state.fleet && { fleet: this.#state.fleet.state }),
      bans: { live: counts.live, enforced: enforcer.kind === 'simulate' ? 0 : counts.enforced },
      jails: [...jails.values()].map((unit) => this.#jailStatus(unit, drops)),
    }
  }

  async jailStatus(jail: string): Promise<JailStatus | undefined> {
    const unit = this.#state.jails.get(jail)
    return unit && this.#jailStatus(unit, await this.#state.drops.read())
  }

  async ban(request: BanRequest): Promise<BanOutcome[] | { unknownJail: string }> {
    const { bans, jails } = this.#state
    const jail = request.jail ?? manualScope.jail
    if (!jails.has(jail) && jail !== manualScope.jail) return { unknownJail: jail }
    if (request.fleet && this.#state.fleet === undefined) return request.ips.map((ip) => ({ ip, jail, ...noFleet }))
    const isTimed = request.permanent === true || request.durationMs !== undefined
    const options = { force: request.force === true, exact: isTimed }
    const decided = request.ips.map((id) => {
      const ban = banByHand(this.#state, { id, jail, ...durationOf(request) })
      return { ban, ...enactOnTrial(this.#state, ban, { ...options, confirmMs: request.confirmMs }) }
    })
    await bans.settled()
    return decided.map((decision) => banOutcomeOf(this.#state, decision))
  }

  async unban(request: UnbanRequest): Promise<UnbanOutcome[] | { unknownJail: string }> {
    const { bans, jails } = this.#state
    const { jail } = request
    if (jail !== undefined && !jails.has(jail) && jail !== manualScope.jail) return { unknownJail: jail }
    const ids = request.all
      ? [...new Set([...(jail === undefined ? bans.live.all() : bans.live.of(jail))].map((ban) => ban.id))]
      : request.ips
    const lifted = await letOut(this.#state, ids, jail)
    return ids.map((id, at): UnbanOutcome => {
      const ip = parseIp(id)?.text ?? id
      const stillIn = this.#over(ip).filter((ban) => jail === undefined || ban.jail === jail)
      return {
        ip,
        lifted: lifted[at] ?? 0,
        ...(stillIn.length > 0 && { stillIn: stillIn.map((ban) => this.#viewOf(ban)) }),
      }
    })
  }

  async banned({ ip, jail }: { ip?: string | undefined; jail?: string | undefined }): Promise<BanView[]> {
    const { live } = this.#state.bans
    const id = ip === undefined ? undefined : (parseIp(ip)?.text ?? ip)
    const found =
      id === undefined ? [...(jail === undefined ? live.all() : live.of(jail))] : [...live.ofId(id), ...this.#over(id)]
    return found.filter((ban) => jail === undefined || ban.jail === jail).map((ban) => this.#viewOf(ban))
  }

  async why(text: string): Promise<Explanation> {
    const ip = parseIp(text)
    const id = ip?.text ?? text
    const networks = new Set(this.#over(id).map((ban) => ban.id))
    const bans: Explanation['bans'] = []
    for (const one of [id, ...networks]) bans.push(...(await this.#bansOf(one, one === id)))
    const protection = ip && this.#state.protection.reasonAgainst(ip, manualScope.jail)
    return { ip: id, protection, heldBack: heldIn(this.#state, id), bans }
  }

  /** What is in force, and, if asked for, what is on record. */
  async #bansOf(id: string, withPast: boolean): Promise<Explanation['bans']> {
    const { bans, store, drops } = this.#state
    const ip = parseIp(id)
    const live = new Map(bans.live.ofId(id).map((ban) => [ban.jail, ban]))
    const told: Explanation['bans'] = []
    for (const ban of store.bans.history(id)) {
      const current = live.get(ban.jail)
      live.delete(ban.jail)
      if (current === undefined && !withPast) continue
      told.push({
        ...(current
          ? this.#viewOf(current)
          : { jail: ban.jail, ip: ban.id, startMs: ban.startMs, endMs: finite(endMs(ban)), enforced: false }),
        live: current !== undefined,
        origin: ban.origin.kind,
        failures: ban.failures,
        lines: [...ban.lines],
        drops: current && ip && (await drops.of({ jail: ban.jail, ip })),
      })
    }
    // NOTE: what is not saved yet has no history; it is banned all the same.
    for (const ban of live.values()) {
      const kept = ip && (await drops.of({ jail: ban.jail, ip }))
      told.unshift({ ...this.#viewOf(ban), live: true, origin: 'unsaved', failures: 0, lines: [], drops: kept })
    }
    return told
  }

  /** Bans of networks that this address is in. */
  #over(id: string): LiveBan[] {
    const { bans, jails } = this.#state
    return networksOver(id, jails.values()).flatMap((network) => bans.live.ofId(network))
  }

  async fleet(options = { ask: false }): Promise<FleetView | undefined> {
    if (options.ask) await this.#state.fleet?.ask()
    return this.#state.fleet?.view
  }

  async fleetRelease({ name }: { name: string }): Promise<FleetReleaseOutcome | { refused: string }> {
    const outcome = releaseInFleet(this.#state, name)
    await this.#state.bans.settled()
    return outcome
  }

  fleetDrill({ forMs }: { forMs: number }): Promise<FleetDrillOutcome | { refused: string }> {
    return drillInFleet(this.#state, forMs)
  }

  async fleetMode(request: {
    mode: FleetModeName
    here?: boolean | undefined
  }): Promise<FleetModeOutcome | { refused: string }> {
    const outcome = await setFleetMode(this.#state, request)
    await this.#state.bans.settled()
    return outcome
  }

  fleetUnban({ ip }: { ip: string }): Promise<FleetUnbanOutcome | { refused: string }> {
    return unbanInFleet(this.#state, ip)
  }

  async protected(): Promise<ProtectedView> {
    return protectedView(this.#state)
  }

  confirm({ ids }: { ids: string[] }): Promise<ConfirmOutcome[]> {
    return confirmTrials(this.#state, ids)
  }

  resume(request: { jail: string; forMs?: number | undefined }): Promise<ResumeOutcome> {
    return resumeJail(this.#state, request)
  }

  async audit({ repair }: { repair?: boolean | undefined }): Promise<AuditView> {
    const audit = await this.#state.auditing.audit({ removeForeign: repair === true })
    return { ...audit, findings: findings(audit) }
  }

  async metrics(): Promise<string> {
    return metricsText(await metricsOf(this.#state))
  }

  reload(): Promise<ReloadOutcome> {
    return this.#lifecycle.reload()
  }

  async stop(options: { keep: boolean }): Promise<StopOutcome> {
    // A new process that refuses the configuration would leave nobody on guard.
    const problems = options.keep ? reasonsNotToStart(this.#state.config.dir) : []
    if (problems.length > 0) return { ok: false, problems }

    // The answer goes out first: the end takes the socket with it.
    setImmediate(() => void this.#lifecycle.stop(options))
    return { ok: true, problems: [] }
  }

  #viewOf(ban: LiveBan): BanView {
    return { jail: ban.jail, ip: ban.id, startMs: ban.startMs, endMs: finite(endMs(ban)), enforced: this.#isReal(ban) }
  }

  #isReal(ban: LiveBan): boolean {
    return ban.isEnforced && this.#state.enforcer.kind !== 'simulate'
  }

  #jailStatus(unit: JailUnit, drops?: ReadonlyMap<string, Drops>): JailStatus {
    const dropped = drops?.get(unit.name)
    const { bans, clock, followers, heldBack } = this.#state
    const { jail, filter, source } = unit.config
    const held = heldBack.of(unit.name)
    return {
      name: unit.name,
      filter: filter.name,
      currentlyFailed: unit.jail.failedNow(clock.now()),
      totalFailed: unit.jail.failuresTotal,
      currentlyBanned: bans.live.count(unit.name),
      totalBanned: bans.live.total(unit.name),
      scope: scopeText(unit.scope),
      maxretry: jail.maxretry,
      findTimeMs: jail.findTimeMs,
      banTimeMs: jail.banTimeMs ?? null,
      counts: source.kind,
      sources: followers.statusOf(unit.name),
      ...(dropped && { dropped }),
      ...(held && { heldBack: { sinceMs: held.sinceMs, reason: held.reason, count: held.count } }),
      quarantined: unit.quarantine.entries.map(({ pattern: { pattern, origin }, line, sinceMs }) => ({
        pattern: pattern.source,
        place: `${origin.file}:${origin.line}`,
        line: line.slice(0, quarantinedLineMax),
        sinceMs,
      })),
    }
  }
}

function durationOf({ permanent, durationMs }: BanRequest): { durationMs?: number | undefined } {
  if (permanent) return { durationMs: undefined }
  return durationMs === undefined ? {} : { durationMs }
}

/** `tcp 22,80-90`, `all ports`. */
function scopeText(scope: Scope | undefined): string {
  if (scope === undefined) return 'by its actions only'
  if (scope.ports === 'all') return 'all ports'
  const ports = scope.ports.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`))
  return `${scope.protocols.join('+')} ${ports.join(',')}`
}

/** JSON knows no infinity: null is "never". */

const noFleet = { result: 'refused', reason: 'this machine is in no fleet', canForce: false } as const
