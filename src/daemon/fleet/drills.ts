import { networkInterfaces } from 'node:os'
import { contains, type Ip, parseIp } from '../../domain/address.js'
import type { DrillOrder, DrillReport } from '../../fleet/calls/call.js'
import { testAddresses } from '../../fleet/calls/test-net.js'
import type { FleetMode } from '../../fleet/mode.js'
import type { NodeName } from '../../fleet/word.js'
import type { FleetState } from './fleet-state.js'

export interface DrillsOptions {
  state: Pick<FleetState, 'bans' | 'enforcer' | 'protection' | 'clock' | 'log'>
  /** How far the words of others go here. */
  mode(): FleetMode
  /** Why nothing is done at this member's word; undefined: it is believed as every member in good standing. */
  distrust(node: NodeName): string | undefined
}

/** Where every port is closed: as for a ban by hand. */
const jail = 'manual'
const runningMax = 64
const runningOfNodeMax = 3
const recentMs = 60_000

/** Bans that are there to see how long they take: ordinary ones for the kernel, and nothing to anybody else. */
export class Drills {
  readonly #options: DrillsOptions
  /** By address. */
  readonly #running = new Map<string, NodeName>()
  /** Addresses that others may have in their kernels still, though it is over here. */
  readonly #recent = new Set<string>()

  constructor(options: DrillsOptions) {
    this.#options = options
  }

  /** An address that nobody has here, and nobody is banned by. Undefined: there is none. */
  freeAddress(): Ip | undefined {
    const networks = networksHere()
    const free = [...testAddresses(Math.random)].filter((ip) => this.#reasonAgainst(ip, networks) === undefined)
    return free.find(({ text }) => !this.#recent.has(text)) ?? free[0]
  }

  /** Resolves when the kernel has it, or with why it has not. The order is harmless (calls/answering). */
  async run({ ip, forMs }: DrillOrder, by: NodeName): Promise<DrillReport> {
    const { state, mode, distrust } = this.#options
    const { bans, enforcer, clock, log } = state
    const reason =
      mode() === 'off' ? 'the fleet is off here' : (distrust(by) ?? this.#reasonAgainst(ip) ?? this.#fullness(by))
    if (reason !== undefined) return { result: 'refused', reason }
    if (enforcer.kind === 'simulate' || mode() === 'simulate') return { result: 'simulated' }
    const origin = { kind: 'operator' } as const
    const ban = {
      jail,
      id: ip.text,
      startMs: clock.now(),
      durationMs: forMs,
      origin,
      count: 1,
      failures: 0,
      lines: [],
      data: {},
    }
    const enactment = bans.enact(ban, { force: false, exact: true, isDrill: true })
    if (enactment.kind !== 'enacted')
      return { result: 'refused', reason: enactment.kind === 'refused' ? enactment.reason : `it is ${enactment.kind}` }
    this.#running.set(ip.text, by)
    clock.after(forMs, () => this.#running.delete(ip.text))
    this.#recent.add(ip.text)
    clock.after(forMs + recentMs, () => this.#recent.delete(ip.text))
    log.write('INFO', 'fleet', `Drill of ${by}: ${ip.text} is shut out for ${forMs / 1000} s`)
    await bans.delivered()
    if (await this.#isClosed(ip)) return { result: 'closed' }
    bans.lift(ip.text, jail)
    return { result: 'refused', reason: bans.trouble.enforcing ?? 'the kernel has not taken it' }
  }

  /** Not only what we have been told: what is there. */
  async #isClosed(ip: Ip): Promise<boolean> {
    const { bans, enforcer } = this.#options.state
    return bans.live.get(jail, ip.text)?.isEnforced === true && (await enforcer.drops({ jail, ip })) !== undefined
  }

  #reasonAgainst(ip: Ip, networks = networksHere()): string | undefined {
    const { bans, protection } = this.#options.state
    if (bans.live.ofId(ip.text).length > 0) return 'it is banned already'
    const own = networks.find((network) => contains(network, ip))
    return own === undefined ? protection.reasonAgainst(ip, jail) : `this machine is in ${own.text}`
  }

  #fullness(by: NodeName): string | undefined {
    const ofNode = [...this.#running.values()].filter((node) => node === by).length
    if (ofNode >= runningOfNodeMax) return `${ofNode} drills of ${by} are running`
    return this.#running.size >= runningMax ? `${this.#running.size} drills are running` : undefined
  }
}

/** Somebody may have taken the networks for documentation for his own. */
function networksHere(): Ip[] {
  const entries = Object.values(networkInterfaces()).flatMap((known) => known ?? [])
  return entries.flatMap(({ cidr }) => (cidr === null ? [] : (parseIp(cidr) ?? [])))
}
