import type { Ban } from '../../domain/ban.js'
import type { Standing } from '../../fleet/known-bans/known-bans.js'
import { anybody } from '../../fleet/member.js'
import type { FleetMode } from '../../fleet/mode.js'
import { Quorum, type QuorumVerdict, type StandingBan, type Weight } from '../../fleet/quorum/quorum.js'
import { isEnough, isOneEnough, marksOf, type QuorumRule } from '../../fleet/quorum/rule.js'
import { markReached } from '../../fleet/sighting.js'
import { skewMsMax } from '../../fleet/trust/judge.js'
import type { BanWord, NodeName, SightingWord, UnbanWord } from '../../fleet/word.js'
import type { JailUnit } from '../jails.js'
import { bannedBy, textOf } from './banned-by.js'
import type { FleetState } from './fleet-state.js'
import { WouldBan } from './would-ban.js'

/** What is counted for one of them, as long as it is configured so. */
interface Counting {
  config: JailUnit['config']
  text: string
  rule: QuorumRule
  marks: readonly number[]
  quorum: Quorum
}

const expireEveryMs = 60_000

/** The jails with `backend = fleet`: each counts by its own rule what the others tell. */
export class FleetJails {
  readonly #state: FleetState
  readonly #mode: () => FleetMode
  readonly #wouldBan: WouldBan
  readonly #countings = new Map<string, Counting>()
  #expiredMs = Number.NEGATIVE_INFINITY
  /** Those that run, for as long as nobody else had his turn. */
  #now: readonly JailUnit[] | undefined
  /** Of the last ban by one node alone. */
  #last = { node: '', failures: 0, lines: [''] }

  /** `mode`: how far the words of others go. */
  constructor(state: FleetState, mode: () => FleetMode) {
    this.#state = state
    this.#mode = mode
    this.#wouldBan = new WouldBan(state.clock, state.log)
  }

  /** `isSettled`: it is no news, only to us: the others have it in force, or an operator has released its node. No budget holds it back. */
  offer(word: BanWord | SightingWord, weight: Weight, { isSettled = false } = {}): void {
    if (this.#mode() === 'off') return
    this.#expireNowAndThen()
    for (const unit of this.#units()) {
      const { quorum, rule } = this.#countingOf(unit)
      if (!mayCount(word.node, rule)) continue
      const verdict = quorum.offer(word, weight)
      if (verdict !== undefined) this.#ban(unit, verdict, isSettled)
    }
  }

  /** Whether one of them asks to be told when this jail's failures of somebody grow from `before` to `failures`. Called for each failure. */
  markReached(jail: string, before: number, failures: number): boolean {
    for (const unit of this.#units()) {
      const { marks, rule } = this.#countingOf(unit)
      const isAsked = marks.length > 0 && rule.jails?.includes(jail) !== false
      if (isAsked && markReached(before, failures, marks) !== undefined) return true
    }
    return false
  }

  /** What a node has told counts no more. */
  withdraw(node: NodeName): void {
    for (const { quorum } of this.#countings.values()) quorum.withdraw(node)
  }

  /** Whether the jail would ban somebody for that. */
  isEnough(unit: JailUnit, evidence: QuorumVerdict['evidence']): boolean {
    return isEnough(this.#countingOf(unit).rule, evidence)
  }

  /** Whether it would ban the address for what is known of it now. */
  isKnownEnough(unit: JailUnit, ip: string, standing: readonly StandingBan[]): boolean {
    const { rule, quorum } = this.#countingOf(unit)
    return quorum.isEnough(
      ip,
      standing.filter(({ node }) => mayCount(node, rule)),
    )
  }

  /** The mode has changed: everything is counted anew, and unless it is enforced nobody is banned. */
  beginAnew(): void {
    const { bans } = this.#state
    this.#countings.clear()
    this.#wouldBan.clear()
    if (this.#mode() !== 'enforce') bans.liftAll(this.#units().map(({ name }) => name))
  }

  /** How many would be banned, as long as that is only simulated. */
  get wouldBan(): number {
    return this.#wouldBan.count
  }

  /** Nobody tells of it any more. */
  lift(ip: string): void {
    for (const unit of this.#units()) {
      this.#wouldBan.lift(ip, unit.name)
      this.#countingOf(unit).quorum.forget(ip)
      this.#state.bans.lift(ip, unit.name)
    }
  }

  /**
   * An operator has lifted it for the whole fleet. `standing`: what was told of it after that, of ours too. A lift is heard again
   * at every start: it must not end a ban that began later.
   */
  liftEverywhere(
    { ip, atMs }: UnbanWord,
    { self, standing }: { self: NodeName; standing: readonly Pick<Standing, 'node' | 'jail'>[] },
  ): void {
    const { bans, jails } = this.#state
    for (const unit of this.#units()) this.#countingOf(unit).quorum.forget(ip)
    for (const { jail, startMs } of [...bans.live.ofId(ip)]) {
      // What the others tell is read after the lifts: until then a ban by them that is clearly later is taken to be theirs still.
      const isByOthers = jails.get(jail)?.config.source.kind === 'fleet'
      const isLater = isByOthers
        ? standing.length > 0 || startMs > atMs + skewMsMax
        : standing.some((ban) => ban.node === self && ban.jail === jail)
      if (!isLater) bans.lift(ip, jail)
    }
  }

  #ban(unit: JailUnit, { ip, evidence }: QuorumVerdict, isSettled: boolean): void {
    const { bans, clock } = this.#state
    if (unit.jail.ignores(ip) !== undefined) return
    if (this.#mode() !== 'enforce') {
      this.#wouldBan.decided(unit.name, ip, unit.config.jail.banTimeMs, textOf(evidence))
      return
    }
    const ban: Ban = {
      jail: unit.name,
      id: ip,
      startMs: clock.now(),
      durationMs: unit.config.jail.banTimeMs,
      origin: { kind: 'jail' },
      count: 1,
      failures: 0,
      lines: this.#linesOf(evidence),
      data: {},
    }
    bans.enact(ban, { force: false, isSettled })
  }

  /** Of a machine's bans that are caught up with, one text stands for all. */
  #linesOf(evidence: QuorumVerdict['evidence']): readonly string[] {
    const [first] = evidence
    if (first === undefined || evidence.length > 1) return [bannedBy(evidence)]
    const { node, failures } = first
    if (this.#last.node !== node || this.#last.failures !== failures)
      this.#last = { node, failures, lines: [bannedBy(evidence)] }
    return this.#last.lines
  }

  /** NOTE: asked for each word of a snapshot, for each failure. */
  #units(): readonly JailUnit[] {
    if (this.#now !== undefined) return this.#now
    queueMicrotask(() => {
      this.#now = undefined
    })
    const isCounting = ({ config, state }: JailUnit) => config.source.kind === 'fleet' && state === 'running'
    this.#now = [...this.#state.jails.values()].filter(isCounting)
    return this.#now
  }

  /** Memory alone depends on it, and without words it does not grow. */
  #expireNowAndThen(): void {
    const nowMs = this.#state.clock.now()
    if (nowMs - this.#expiredMs < expireEveryMs) return
    this.#expiredMs = nowMs
    for (const { quorum } of this.#countings.values()) quorum.expire(nowMs)
  }

  /** A changed rule counts anew. */
  #countingOf(unit: JailUnit): Counting {
    const { config } = unit
    const known = this.#countings.get(unit.name)
    if (known?.config === config) return known
    const rule = ruleOf(unit)
    const text = JSON.stringify(rule)
    const quorum = known?.text === text ? known.quorum : new Quorum({ rule })
    const counting = { config, text, rule, marks: marksOf(rule), quorum }
    this.#countings.set(unit.name, counting)
    return counting
  }
}

/** A line that anybody may have written names no node: it is never one of two. */
function mayCount(node: NodeName, rule: QuorumRule): boolean {
  return node !== anybody.name || isOneEnough(rule)
}

function ruleOf({ name, config: { source, jail } }: JailUnit): QuorumRule {
  const { minNodes = 1, minPerNode = 1, jails = undefined } = source.kind === 'fleet' ? source : {}
  return {
    maxRetry: jail.maxretry,
    minNodes,
    minPerNode,
    findTimeMs: jail.findTimeMs,
    ...(jails && { jails }),
    fleetJail: name,
  }
}
