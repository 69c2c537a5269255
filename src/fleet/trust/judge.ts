import type { Ip } from '../../domain/address.js'
import type { Teller } from '../member.js'
import type { BanWord, NodeName, SightingWord, UnbanWord, Word } from '../word.js'
import { Canaries } from './canaries.js'
import { type Limits, type LimitsByLevel, limitsByDefault } from './limits.js'
import { nobodysNetwork } from './nobodys.js'
import { type KeptStanding, type Quarantine, Standing } from './standing.js'
import { type Accepted, type Refusal, refuse, type Verdict } from './verdict.js'

/** What an operator can set. */
export interface JudgeRules {
  limits?: LimitsByLevel
  /** What is said of single members, whatever their level. */
  ofMembers?: ReadonlyMap<NodeName, Partial<Limits>>
  /** Whom nobody has reason to ban: own monitoring, search engines, mail providers. At most 1000 are looked at. */
  canaries?: readonly Ip[]
}

export interface JudgeOptions extends JudgeRules {
  /** Sightings, lifts and changes that a member may tell for each new ban that it may. */
  talkPerBan?: number
  /** Running bans of all members together. */
  fleetPopulationMax?: number
  /** Told when a member is put into quarantine, and when the reason becomes a harder one. */
  onQuarantine?(node: NodeName, quarantine: Quarantine): void
}

/** What a word is judged by. */
export interface Circumstances {
  /** Whose word it is, as opened. */
  member: Teller
  /** The address of the word, as opened. */
  ip: Ip
  nowMs: number
  /** The end of a sentence that begins with "Refused to ban …:" when somebody there is protected (bans/protection). */
  protection(ip: Ip, jail: string): string | undefined
  /** `catch-up`: told earlier, and now with all the rest that is still valid. Then no rate counts. */
  arrival: 'live' | 'catch-up'
  /** Running bans and remembered lifts; `isKnown`: a ban of this address by this node is among them. */
  population: { ofNode: number; ofFleet: number; isKnown: boolean }
}

/** Clocks of members may differ from ours by so much. */
export const skewMsMax = 600_000
const fleetPopulationMaxByDefault = 1_000_000
const talkPerBanByDefault = 10

/**
 * Decides how far a member's word goes. It never makes an address bannable that nobody may ban here; it only says no. What it remembers is
 * how members behave: buckets and quarantines, one record for each member that has told anything. Pure: time is handed in.
 */
export class Judge {
  readonly #options: JudgeOptions
  #rules: JudgeRules
  #canaries: Canaries
  readonly #standings = new Map<NodeName, Known>()

  constructor(options: JudgeOptions = {}) {
    this.#options = options
    this.#rules = options
    this.#canaries = new Canaries(options.canaries ?? [])
  }

  /** Other rules from now on; how members have behaved stays. */
  use(rules: JudgeRules): void {
    this.#rules = rules
    this.#canaries = new Canaries(rules.canaries ?? [])
  }

  judge(word: Word, circumstances: Circumstances): Verdict {
    const { member, nowMs } = circumstances
    const standing = this.#standing(member.name, member.sinceMs)
    const before = standing.quarantine(nowMs)
    const limits = this.#limitsOf(member)
    const verdict = outOfTime(word, circumstances) ?? this.#judge(word, circumstances, { limits, standing })
    const after = standing.quarantine(nowMs)
    if (after !== undefined && after.cause !== before?.cause) this.#options.onQuarantine?.(member.name, after)
    return verdict
  }

  /** Whether a word that was accepted with that effect is without any now. Asked again after each `onQuarantine`, release, and now and then. */
  isHeld(node: NodeName, { effect }: { effect: Accepted['effect'] }, nowMs: number): boolean {
    const quarantine = this.quarantineOf(node, nowMs)
    return quarantine !== undefined && (quarantine.isRetroactive || effect === 'hold')
  }

  quarantineOf(node: NodeName, nowMs: number): Quarantine | undefined {
    return this.#standings.get(node)?.standing.quarantine(nowMs)
  }

  quarantined(nowMs: number): { node: NodeName; quarantine: Quarantine }[] {
    return [...this.#standings].flatMap(([node, { standing }]) => {
      const quarantine = standing.quarantine(nowMs)
      return quarantine === undefined ? [] : [{ node, quarantine }]
    })
  }

  /** An operator's word: nothing that the node tells has effect. */
  confine(node: NodeName, nowMs: number): void {
    this.#standing(node).confine(nowMs)
  }

  /** An operator's word: the node is as good as ever. */
  release(node: NodeName): void {
    this.#standings.get(node)?.standing.release()
  }

  /** For who is no member any more. */
  forget(node: NodeName): void {
    this.#standings.delete(node)
  }

  /** To be kept over a restart: only of those who did not behave. */
  kept(nowMs: number): Map<NodeName, KeptStanding> {
    const bad = [...this.#standings].filter(
      ([, { standing }]) => standing.quarantine(nowMs) !== undefined || standing.isMistrusted(nowMs),
    )
    return new Map(bad.map(([node, { standing, sinceMs }]) => [node, { ...standing.kept, sinceMs }]))
  }

  restore(kept: ReadonlyMap<NodeName, KeptStanding>): void {
    for (const [node, standing] of kept) this.#standing(node, standing.sinceMs).restore(standing)
  }

  /** How far a word of the member goes, unless it is in quarantine. */
  weightOf(member: Teller, nowMs: number): Limits['weight'] {
    const isMistrusted = this.mistrustedUntilMs(member.name, nowMs) !== undefined
    return isMistrusted ? 'with-others' : this.#limitsOf(member).weight
  }

  /** Whose word counts with others' only, for a while: it has banned a canary. Undefined: not so. */
  mistrustedUntilMs(node: NodeName, nowMs: number): number | undefined {
    const { standing } = this.#standings.get(node) ?? {}
    return standing?.isMistrusted(nowMs) ? standing.kept.mistrustedUntilMs : undefined
  }

  /** `sinceMs`: of its membership. Who has joined anew, with a new key, is as good as anybody. */
  #standing(node: NodeName, sinceMs?: number): Standing {
    const known = this.#standings.get(node)
    const isFormer = known?.sinceMs !== undefined && sinceMs !== undefined && known.sinceMs < sinceMs
    const standing = known === undefined || isFormer ? new Standing() : known.standing
    if (standing !== known?.standing || known.sinceMs === undefined) this.#standings.set(node, { standing, sinceMs })
    return standing
  }

  #limitsOf({ name, level }: Teller): Limits {
    const { limits = limitsByDefault, ofMembers } = this.#rules
    const said = ofMembers?.get(name)
    return said === undefined ? limits[level] : { ...limits[level], ...said }
  }

  #judge(word: Word, circumstances: Circumstances, about: About): Verdict {
    switch (word.kind) {
      case 'ban':
        return this.#judgeBan(word, circumstances, about)
      case 'unban':
        return this.#judgeUnban(word, circumstances, about)
      case 'sighting':
        return this.#judgeSighting(word, circumstances, about)
      default:
        return word satisfies never
    }
  }

  #judgeBan(word: BanWord, circumstances: Circumstances, about: About): Verdict {
    const { nowMs, population } = circumstances
    const refusal = this.#refusalOf(word, circumstances, about)
    if (refusal !== undefined) {
      if (isBlamed(circumstances.member)) blame(refusal, about.standing, nowMs)
      return refusal
    }
    const cappedUntilMs = capped(word.untilMs, word, circumstances, about.limits)
    if (cappedUntilMs !== undefined && cappedUntilMs <= nowMs) return refuse('expired', 'it has ended already')
    const excess = population.isKnown ? this.#talksTooMuch(circumstances, about) : this.#isTooMany(circumstances, about)
    return excess ?? { kind: 'accept', cappedUntilMs, effect: effectOf(about, nowMs) }
  }

  /** Too many too fast are kept, as far as there is room: it may be a true attack, and they have effect when the node calms down. */
  #isTooMany({ member, nowMs, arrival, population }: Circumstances, { limits, standing }: About): Verdict | undefined {
    if (arrival === 'live' && !standing.bans.take(limits, nowMs)) {
      // Whoever can write a line could put all of them into quarantine.
      if (member.level === 'anonymous')
        return refuse('rate', `nobody in particular bans more than ${limits.perMinute} a minute`)
      if (isBlamed(member)) standing.exceeded('rate', nowMs)
    }
    if (population.ofNode >= limits.populationMax) {
      if (isBlamed(member)) standing.exceeded('population', nowMs)
      return refuse('population', `its node has ${population.ofNode} running bans already`)
    }
    const { fleetPopulationMax = fleetPopulationMaxByDefault } = this.#options
    if (population.ofFleet < fleetPopulationMax) return undefined
    return refuse('fleet-population', `the fleet has ${population.ofFleet} running bans already`)
  }

  #talksTooMuch({ member, nowMs, arrival }: Circumstances, { limits, standing }: About): Verdict | undefined {
    const { talkPerBan = talkPerBanByDefault } = this.#options
    const perMinute = limits.perMinute * talkPerBan
    if (arrival === 'catch-up' || standing.talk.take({ perMinute, burst: limits.burst * talkPerBan }, nowMs))
      return undefined
    if (isBlamed(member)) standing.exceeded('rate', nowMs)
    return refuse('rate', `its node tells more than ${perMinute} things a minute`)
  }

  /** What a ban may never be of, in any quantity. */
  #refusalOf(
    { jail }: BanWord | SightingWord,
    { ip, protection }: Circumstances,
    { limits }: About,
  ): Refusal | undefined {
    const nobodys = nobodysNetwork(ip)
    const prefixMin = ip.family === 4 ? limits.prefix4Min : limits.prefix6Min
    if (ip.prefix < prefixMin) return refuse('too-wide', `/${ip.prefix} is wider than the /${prefixMin} it may ban`)
    if (nobodys !== undefined) return refuse('nobodys-address', `it touches ${nobodys.text}, from where nobody comes`)
    const canary = this.#canaries.touchedBy(ip)
    if (canary !== undefined) return refuse('canary', `it touches ${canary.text}, whom nobody has reason to ban`)
    const reason = protection(ip, jail)
    return reason === undefined ? undefined : refuse('protected', reason)
  }

  /** A node lifts what it has itself banned, whatever its standing: that lets in only whom it had shut out. */
  #judgeUnban(word: UnbanWord, circumstances: Circumstances, about: About): Verdict {
    const { member, nowMs, population } = circumstances
    if (word.everywhere && member.level !== 'operator')
      return refuse('not-an-operator', 'only an operator lifts bans of others')
    const cappedUntilMs = capped(word.untilMs, word, circumstances, about.limits)
    if (cappedUntilMs !== undefined && cappedUntilMs <= nowMs) return refuse('expired', 'what it lifts has ended')
    if (!population.isKnown) {
      // Of a ban that we have not heard of yet, perhaps. It takes room, until it ends.
      const excess = this.#talksTooMuch(circumstances, about)
      if (excess !== undefined) return excess
      if (population.ofNode >= about.limits.populationMax)
        return refuse('population', `its node has ${population.ofNode} running bans already`)
    }
    return { kind: 'accept', cappedUntilMs, effect: 'enforce' }
  }

  #judgeSighting(word: SightingWord, circumstances: Circumstances, about: About): Verdict {
    const { nowMs } = circumstances
    const cappedUntilMs = Math.min(word.atMs, nowMs) + Math.min(word.windowMs, about.limits.durationMsMax)
    if (cappedUntilMs <= nowMs) return refuse('expired', 'its window is over')
    // Enough of them are a ban. To have seen somebody is no harm, whoever it was.
    const excess = this.#talksTooMuch(circumstances, about) ?? this.#refusalOf(word, circumstances, about)
    return excess ?? { kind: 'accept', cappedUntilMs, effect: effectOf(about, nowMs) }
  }
}

interface Known {
  standing: Standing
  /** Undefined: an operator has spoken of it before it has told anything. */
  sinceMs: number | undefined
}

interface About {
  limits: Limits
  standing: Standing
}

function outOfTime({ atMs }: Word, { member, nowMs }: Circumstances): Verdict | undefined {
  const aheadMs = atMs - nowMs
  if (aheadMs > skewMsMax)
    return refuse('clock', `it was told ${Math.round(aheadMs / 1000)} s from now: one of our clocks is wrong`)
  if (atMs < member.sinceMs) return refuse('before-epoch', 'it was told before its node had joined')
  if (member.revokedAtMs !== undefined && atMs >= member.revokedAtMs)
    return refuse('revoked-node', 'the key of its node is revoked')
  return undefined
}

/** A clock that is ahead of ours makes no ban longer. */
function capped(
  untilMs: number | undefined,
  { atMs }: Word,
  { nowMs }: Circumstances,
  limits: Limits,
): number | undefined {
  const cap = Math.min(atMs, nowMs) + limits.durationMsMax
  const end = Math.min(untilMs ?? Number.POSITIVE_INFINITY, cap)
  return end === Number.POSITIVE_INFINITY ? undefined : end
}

function effectOf({ limits, standing }: About, nowMs: number): Accepted['effect'] {
  if (standing.quarantine(nowMs) !== undefined) return 'hold'
  return limits.weight === 'alone' && !standing.isMistrusted(nowMs) ? 'enforce' : 'corroborate'
}

/** Whether excesses count against who tells. An operator would only release himself; lists of others hold what they hold; nobody in particular is many. */
function isBlamed({ level }: Teller): boolean {
  return level !== 'operator' && level !== 'feed' && level !== 'anonymous'
}

/** No harm: who is protected here, with a session or as a neighbour, may be anybody's attacker elsewhere. */
function blame({ reason }: Refusal, standing: Standing, nowMs: number): void {
  if (reason === 'too-wide' || reason === 'nobodys-address') standing.harmed(nowMs)
  if (reason === 'canary') standing.bannedCanary(nowMs)
}
