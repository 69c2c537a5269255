import { type Ip, parseIp } from '../domain/address.js'
import { type Ban, endMs } from '../domain/ban.js'
import { keepNewest } from '../lib/keep-newest.js'
import type { SubnetRule } from './jail-spec.js'
import { hasForeignNeighbours, networkOf } from './offender.js'

/** Networks that are watched, smallest first. A member of the first is a banned id, of each other one a network of the one before. */
const levels = { 4: [24], 6: [64, 56, 48] } as const

/** Networks with somebody banned in them that are remembered. Full: the one without news for longest is forgotten, so it escalates later than it could. */
const networksMax = 50_000
/** Members remembered for each network, at least. Full: the oldest is forgotten. */
const membersMax = 64

/** Of several banned ids in one member network the one that was banned last. */
interface Member {
  id: string
  startMs: number
  endMs: number
}

interface Network {
  readonly members: Map<string, Member>
  /** We have asked for its ban. */
  isWanted: boolean
  /** The end of the ban that we have asked for, once it is in force. */
  untilMs: number | undefined
  /** An operator has lifted its ban: until then we do not ask for another. */
  quietUntilMs: number
}

export interface SubnetsOptions {
  jail: string
  rule: SubnetRule
  networksMax?: number
}

/**
 * `subnet_escalate`: bans a network when many of its members are banned at once in one jail. Told of every ban's begin and end, it answers
 * with the bans to enact and to lift; the caller's gate refuses a network that holds somebody protected. The network's ban lasts as long
 * as the last of its members', or as the rule says. It is rolled back when an operator lifts so many of its members that too few remain. When
 * he does that, or lifts the network itself, it is not asked for again for the rule's time. After a restart it runs to its end as it is.
 */
export class Subnets {
  readonly #options: Required<SubnetsOptions>
  readonly #networks = new Map<string, Network>()

  constructor(options: SubnetsOptions) {
    this.#options = { networksMax, ...options }
  }

  /** Takes over what an earlier self of the jail has seen. That one must not be told any more. */
  takeOver(earlier: Subnets): void {
    for (const [text, network] of earlier.#networks) this.#networks.set(text, network)
  }

  /** Networks that are remembered. */
  get size(): number {
    return this.#networks.size
  }

  /** A ban of the jail has begun, or ends later than before. Returns the bans of networks that follow from it, smallest first. */
  begun(ban: Pick<Ban, 'id' | 'startMs' | 'durationMs'>, how: 'new' | 'restored', nowMs: number): Ban[] {
    const ip = parseIp(ban.id)
    if (ip === undefined || hasForeignNeighbours(ip)) return []
    const own = this.#networks.get(ip.text)
    if (own?.isWanted) own.untilMs = endMs(ban)
    const wanted: Ban[] = []
    for (const { text, member } of networksAround(ip)) {
      const network = this.#touched(text)
      network.members.delete(member)
      network.members.set(member, { id: ip.text, startMs: ban.startMs, endMs: endMs(ban) })
      keepNewest(network.members, Math.max(membersMax, 2 * this.#options.rule.count))
      const escalation = how === 'new' ? this.#escalation(text, network, nowMs) : undefined
      if (escalation !== undefined) wanted.push(escalation)
    }
    return wanted
  }

  /** A ban of the jail has ended, by its time or by hand. Returns the networks whose bans have to be lifted for it. */
  ended(id: string, why: 'expired' | 'lifted', nowMs: number): string[] {
    const ip = parseIp(id)
    if (ip === undefined) return []
    this.#reopened(ip.text, why, nowMs)
    const toLift: string[] = []
    for (const { text, member } of networksAround(ip)) {
      const network = this.#networks.get(text)
      if (network === undefined || network.members.get(member)?.id !== ip.text) continue
      // NOTE: members that are over still are the reason for their network's ban.
      if (network.untilMs !== undefined && why === 'expired') continue
      network.members.delete(member)
      if (network.untilMs !== undefined && network.members.size < this.#options.rule.count) {
        this.#takeBack(network, nowMs)
        toLift.push(text)
      }
      this.#forgetIfIdle(text, network, nowMs)
    }
    return toLift
  }

  #touched(text: string): Network {
    const network = this.#networks.get(text) ?? {
      members: new Map<string, Member>(),
      isWanted: false,
      untilMs: undefined,
      quietUntilMs: 0,
    }
    this.#networks.delete(text)
    this.#networks.set(text, network)
    keepNewest(this.#networks, this.#options.networksMax)
    return network
  }

  #escalation(text: string, network: Network, nowMs: number): Ban | undefined {
    if (network.quietUntilMs > nowMs) return undefined
    const { rule, jail } = this.#options
    if (network.untilMs === undefined) dropEnded(network, nowMs)
    const members = [...network.members.values()].filter((member) => member.endMs > nowMs)
    const recent = members.filter((member) => member.startMs >= nowMs - rule.windowMs)
    if (network.untilMs === undefined && recent.length < rule.count) return undefined
    if (network.untilMs !== undefined && rule.banTimeMs !== undefined) return undefined
    const lastEndMs = Math.max(...members.map((member) => member.endMs))
    if (network.untilMs !== undefined && lastEndMs <= network.untilMs) return undefined
    network.isWanted = true
    const durationMs = rule.banTimeMs ?? (lastEndMs === Number.POSITIVE_INFINITY ? undefined : lastEndMs - nowMs)
    return {
      jail,
      id: text,
      startMs: nowMs,
      durationMs,
      origin: { kind: 'jail' },
      count: 1,
      failures: 0,
      lines: [`${members.length} members of ${text} are banned: ${members.map(({ id }) => id).join(' ')}`],
      data: {},
    }
  }

  /** The id is a network whose ban we had asked for. */
  #reopened(text: string, why: 'expired' | 'lifted', nowMs: number): void {
    const network = this.#networks.get(text)
    if (network?.untilMs === undefined) return
    if (why === 'lifted') this.#takeBack(network, nowMs)
    network.untilMs = undefined
    network.isWanted = false
    dropEnded(network, nowMs)
    this.#forgetIfIdle(text, network, nowMs)
  }

  /** NOTE: who lifts a network lifts its members with it, and the news come in any order; so both are the same word of an operator. */
  #takeBack(network: Network, nowMs: number): void {
    network.untilMs = undefined
    network.isWanted = false
    network.quietUntilMs = nowMs + this.#options.rule.windowMs
  }

  #forgetIfIdle(text: string, network: Network, nowMs: number): void {
    if (network.members.size === 0 && network.untilMs === undefined && network.quietUntilMs <= nowMs)
      this.#networks.delete(text)
  }
}

/** The watched networks around an address or network, smallest first, each with the member of it that this one is, or is in. */
function networksAround(ip: Ip): { text: string; member: string }[] {
  let member = ip.text
  const around: { text: string; member: string }[] = []
  for (const prefix of levels[ip.family]) {
    if (prefix >= ip.prefix) continue
    const text = networkOf(ip, prefix)
    around.push({ text, member })
    member = text
  }
  return around
}

function dropEnded({ members }: Network, nowMs: number): void {
  for (const [key, member] of members) if (member.endMs <= nowMs) members.delete(key)
}
