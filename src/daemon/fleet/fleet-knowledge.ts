import type { KeyObject } from 'node:crypto'
import type { OwnSettings } from '../../config/own-settings.js'
import { AuditLog } from '../../fleet/audit-log.js'
import { KnownBans, type Standing } from '../../fleet/known-bans/known-bans.js'
import { anybody } from '../../fleet/member.js'
import type { FleetMode } from '../../fleet/mode.js'
import type { Weight } from '../../fleet/quorum/quorum.js'
import { Roster } from '../../fleet/roster.js'
import { Sequences } from '../../fleet/sequence.js'
import { Judge } from '../../fleet/trust/judge.js'
import type { Quarantine } from '../../fleet/trust/standing.js'
import type { NodeName } from '../../fleet/word.js'
import type { Clock } from '../../lib/clock.js'
import type { Log } from '../../lib/log.js'
import type { FleetStateFiles } from './fleet-paths.js'
import { judgeRulesOf } from './judge-rules.js'
import { MembersFile } from './members-file.js'
import { ModeSwitch } from './mode-switch.js'

export interface KnowledgeOptions {
  fleet: string
  /** This machine. */
  self: NodeName
  /** Who may say who belongs to the fleet. */
  roots: ReadonlyMap<NodeName, KeyObject>
  files: FleetStateFiles
  settings: OwnSettings['fleet']
  clock: Clock
  log: Log
}

/** What is to be done when a member's words lose their effect, or have it again. */
export interface StandingWatcher {
  onHeld(node: NodeName, quarantine: Quarantine): void
  onFreed(node: NodeName): void
}

const saveEveryMs = 60_000

/**
 * What this machine knows of its fleet: who is in it, how far each has counted, how it has behaved, and what it has told. The last is told anew
 * after a restart and the first is signed by the operator; the others are kept in a file.
 */
export class FleetKnowledge {
  /** This machine. */
  readonly self: NodeName
  readonly bans = new KnownBans()
  readonly roster: Roster
  readonly sequences: Sequences
  readonly judge: Judge
  readonly audit: AuditLog
  readonly mode: ModeSwitch
  readonly #clock: Clock
  readonly #log: Log
  readonly #file: MembersFile
  #settings: OwnSettings['fleet']
  #watcher: StandingWatcher | undefined
  /** Who was in quarantine when we last looked. */
  #held: ReadonlySet<NodeName>
  #hasLapse: boolean
  #cancelSave = () => {}

  constructor({ fleet, self, roots, files, settings, clock, log }: KnowledgeOptions) {
    this.self = self
    this.#clock = clock
    this.#log = log
    this.#settings = settings
    this.#file = new MembersFile(files.members, log)
    const remembered = this.#file.read()
    this.mode = new ModeSwitch({ file: files.mode, configured: settings.mode, log })
    this.roster = new Roster({ fleet, roots })
    for (const parcel of remembered?.certificates ?? []) this.roster.apply(parcel)
    // A crash may have come between a revocation and what follows from it.
    this.#hasLapse = this.roster.members().some(({ revokedAtMs }) => revokedAtMs !== undefined)
    this.sequences = new Sequences(remembered?.marks)
    this.judge = new Judge({
      ...judgeRulesOf(settings),
      onQuarantine: (node, quarantine) => this.#onQuarantine(node, quarantine),
    })
    this.judge.restore(remembered?.standings ?? new Map())
    this.#held = this.#heldNow()
    // A getter: it can change while we run.
    const bytesMax = () => this.#settings.audit_size
    this.audit = new AuditLog({
      path: files.audit,
      clock,
      log,
      isOn: () => this.#settings.audit,
      get bytesMax() {
        return bytesMax()
      },
    })
  }

  /** Other limits, canaries and ways to keep the audit, from now on. */
  use(settings: OwnSettings['fleet']): void {
    this.#settings = settings
    this.judge.use(judgeRulesOf(settings))
    this.mode.configure(settings.mode)
  }

  /** An operator of this machine has said it, for this machine alone. */
  setModeHere(mode: FleetMode): void {
    this.mode.setHere(mode)
    this.#record('accepted', this.self, `mode ${mode}, for this machine alone`)
  }

  /** Begins to save, now and then, and to see whose quarantine is over. */
  start(watcher: StandingWatcher): void {
    this.#watcher = watcher
    this.#tick()
  }

  close(): void {
    this.#cancelSave()
    this.save()
    this.audit.close()
  }

  save(): void {
    this.#file.write(this, this.#clock.now())
  }

  /** The bans of an address that have effect: not those of who is in quarantine. */
  standing(ip: string): Standing[] {
    const nowMs = this.#clock.now()
    return this.bans.standing(ip, nowMs).filter(({ node, atMs }) => !this.#isHeld(node, atMs, nowMs))
  }

  /** How far the word of this machine, a member, or anybody goes; undefined: it is nobody's any more. */
  weightOf(node: NodeName): Weight | undefined {
    if (node === this.self) return 'alone'
    const teller = node === anybody.name ? anybody : this.roster.memberOf(node)
    return teller && this.judge.weightOf(teller, this.#clock.now())
  }

  /** Whether it is a member whose word has effect. */
  isTrusted(node: NodeName): boolean {
    const member = this.roster.memberOf(node)
    const isIn = member !== undefined && member.revokedAtMs === undefined
    return isIn && this.judge.quarantineOf(node, this.#clock.now()) === undefined
  }

  /** Whether nobody but this machine bans it. */
  isOursAlone(ip: string): boolean {
    return this.standing(ip).every(({ node }) => node === this.self)
  }

  /** Running bans and remembered lifts, for the judge; `isKnown`: the node bans this address already. */
  population(node: NodeName, ip: string): { ofNode: number; ofFleet: number; isKnown: boolean } {
    return this.bans.population({ node, ip, jail: undefined })
  }

  wordsOf(node: NodeName): number {
    return this.population(node, '0.0.0.0').ofNode
  }

  /** For who was revoked, or has joined anew: what comes with the former key is refused by now. Returns the addresses it has told of. */
  forget(node: NodeName): string[] {
    this.#hasLapse = true
    this.judge.forget(node)
    this.sequences.forget(node)
    this.save()
    return this.bans.withdraw(node)
  }

  /** Whether somebody's words have become void since this was last asked, or before this start. */
  takeLapse(): boolean {
    const hasLapse = this.#hasLapse
    this.#hasLapse = false
    return hasLapse
  }

  /** An operator's word: it is as good as ever. Undefined: it was not in quarantine, and nothing is changed. */
  release(node: NodeName): Quarantine | undefined {
    const nowMs = this.#clock.now()
    const quarantine = this.judge.quarantineOf(node, nowMs)
    if (quarantine === undefined && this.judge.mistrustedUntilMs(node, nowMs) === undefined) return undefined
    this.judge.release(node)
    this.#record('released', node, 'an operator of this machine has released it')
    this.#lookAgain()
    return quarantine
  }

  #isHeld(node: NodeName, atMs: number, nowMs: number): boolean {
    const quarantine = this.judge.quarantineOf(node, nowMs)
    const effect = quarantine !== undefined && atMs >= quarantine.sinceMs ? 'hold' : 'enforce'
    return this.judge.isHeld(node, { effect }, nowMs)
  }

  #onQuarantine(node: NodeName, quarantine: Quarantine): void {
    const { cause, untilMs } = quarantine
    const until =
      untilMs === undefined ? `'tocsin fleet release ${node}' ends that` : 'until it has kept quiet for a while'
    this.#log.write('ERROR', 'fleet', `${node} is in quarantine (${cause}), its bans have no effect here; ${until}`)
    this.#record('quarantined', node, cause)
    this.#lookAgain()
    this.#watcher?.onHeld(node, quarantine)
  }

  #record(outcome: 'accepted' | 'quarantined' | 'released', node: NodeName, detail: string): void {
    this.audit.write({ timeMs: this.#clock.now(), outcome, node, isProven: true, detail, subject: '' })
  }

  /** Saved at once, so that a restart is neither a pardon nor a conviction. */
  #lookAgain(): void {
    const held = this.#heldNow()
    const freed = [...this.#held].filter((node) => !held.has(node))
    this.#held = held
    this.save()
    for (const node of freed) {
      this.#log.write('NOTICE', 'fleet', `${node} is in quarantine no more, its bans have effect again`)
      this.#watcher?.onFreed(node)
    }
  }

  #heldNow(): Set<NodeName> {
    return new Set(this.judge.quarantined(this.#clock.now()).map(({ node }) => node))
  }

  #tick(): void {
    this.bans.expire(this.#clock.now())
    this.#lookAgain()
    this.#cancelSave = this.#clock.after(saveEveryMs, () => this.#tick())
  }
}
