import { readFileSync } from 'node:fs'
import type { Enforcer } from '../domain/enforcer.js'
import { runChild } from '../lib/child.js'
import type { Clock } from '../lib/clock.js'
import { messageOf } from '../lib/error-message.js'
import { IpsetEnforcer } from './ipset.js'
import { IpsetTool } from './ipset-tool.js'
import { MemoryEnforcer } from './memory.js'
import { NftCommandEnforcer } from './nft-command.js'
import { NftTool, type Run } from './nft-tool.js'

/** How closures are made real, the best first. */
const meansInOrder = ['netlink', 'nft', 'ipset'] as const
type Means = (typeof meansInOrder)[number]

export interface ChooseOptions extends AttemptOptions {
  /** Whether only to pretend. */
  simulate: boolean
  /** The only one to try; missing: all. */
  by?: Enforcer['kind'] | undefined
}

interface AttemptOptions {
  clock: Clock
  /** Interfaces at which packets are kept out as they come in. */
  ingress?: readonly string[]
  /** Gets a sentence when something that was asked for cannot be had, at any time. */
  say?(sentence: string): void
  run?: Run
}

export interface Choice {
  enforcer: Enforcer
  /** One line: what was chosen, and why not something better. */
  reason: string
}

/** A list of a million elements has about 150 MB. More is cut, does not parse, and is reported as such. */
const listBytesMax = 256 << 20
const nftTimeoutMs = 60_000
const CAP_NET_ADMIN = 12n

/** From best to worst. What is loaded only when it is tried does no harm where it cannot be: koffi has no binary for some machines. */
const attempts: Record<Means, (options: Required<AttemptOptions>) => Promise<Enforcer>> = {
  netlink: async ({ clock, ingress, say }) => {
    const { KernelEnforcer } = await import('./kernel.js')
    return new KernelEnforcer({ clock, ingress, say })
  },
  nft: async ({ clock, ingress, say, run }) => {
    await new NftTool(run).probe()
    return new NftCommandEnforcer({ clock, run, ingress, say })
  },
  ipset: async ({ clock, ingress, say }) => {
    const tool = new IpsetTool(clock)
    await tool.probe()
    if (ingress.length > 0) say('With ipset and iptables there is no hook "ingress": bans are met before routing')
    return new IpsetEnforcer({ clock, tool })
  },
}

const how: Record<Means, string> = {
  netlink: 'bans go to the kernel by netlink',
  nft: 'bans go through the nft command',
  ipset: 'bans go through ipset and iptables',
}

/**
 * The best enforcer that works here: netlink, else the nft command, else ipset and iptables, else one that only pretends; with `by`
 * that one or none. Changes nothing in the kernel.
 */
export async function chooseEnforcer({ clock, simulate, by, ...rest }: ChooseOptions): Promise<Choice> {
  if (simulate || by === 'simulate') return pretended(clock, 'it was asked for')
  if (!mayChangeNetwork())
    return pretended(clock, 'this process may not change the packet filter (run it as root, or with CAP_NET_ADMIN)')
  const failures: string[] = []
  const options = { clock, run: runProgram, ingress: [], say: () => {}, ...rest }
  for (const means of by === undefined ? meansInOrder : [by]) {
    try {
      const enforcer = await attempts[means](options)
      const why = [...(by === undefined ? [] : ['it was asked for']), ...failures].join('; ')
      return { enforcer, reason: why === '' ? how[means] : `${how[means]} (${why})` }
    } catch (error) {
      failures.push(`${means}: ${firstLine(error)}`)
    }
  }
  // Another means than the one that was asked for might do what somebody wanted to keep away from.
  if (by !== undefined) failures.push('no other was tried, because [enforcement] by asks for this one')
  return pretended(clock, failures.join('; '))
}

function pretended(clock: Clock, why: string): Choice {
  return { enforcer: new MemoryEnforcer({ clock }), reason: `bans are only simulated, no packet is dropped: ${why}` }
}

/** Whether CAP_NET_ADMIN is effective (capabilities(7)). Where /proc does not say, trying will. */
function mayChangeNetwork(): boolean {
  try {
    const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    return mask === undefined || ((BigInt(`0x${mask}`) >> CAP_NET_ADMIN) & 1n) === 1n
  } catch {
    return true
  }
}

function firstLine(error: unknown): string {
  const text = messageOf(error)
  return (text.split('\n', 1)[0] ?? '').slice(0, 200)
}

const runProgram: Run = (argv, stdin) =>
  runChild(argv, { stdin, timeoutMs: nftTimeoutMs, outputBytesMax: listBytesMax })
