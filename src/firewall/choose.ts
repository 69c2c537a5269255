import { readFileSync } from 'node:fs'
import type { Enforcer } from '../domain/enforcer.js'
import { runChild } from '../lib/child.js'
import type { Clock } from '../lib/clock.js'
import { MemoryEnforcer } from './memory.js'
import { NftCommandEnforcer } from './nft-command.js'
import { NftTool, type Run } from './nft-tool.js'

export interface ChooseOptions {
  clock: Clock
  /** Whether only to pretend. */
  simulate: boolean
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

/** The best enforcer that works here: netlink, else the nft command, else one that only pretends. Changes nothing in the kernel. */
export async function chooseEnforcer({ clock, simulate, run = runProgram, ...extras }: ChooseOptions): Promise<Choice> {
  if (simulate) return pretended(clock, 'it was asked for')
  if (!mayChangeNetwork())
    return pretended(clock, 'this process may not change the packet filter (run it as root, or with CAP_NET_ADMIN)')
  const failures: string[] = []
  try {
    // Loaded here, so that a machine for which koffi has no binary can still go on with the next best.
    const { KernelEnforcer } = await import('./kernel.js')
    return { enforcer: new KernelEnforcer({ clock, ...extras }), reason: 'bans go to the kernel by netlink' }
  } catch (error) {
    failures.push(`netlink: ${firstLine(error)}`)
  }
  try {
    await new NftTool(run).probe()
    return {
      enforcer: new NftCommandEnforcer({ clock, run, ...extras }),
      reason: `bans go through the nft command (${failures.join('; ')})`,
    }
  } catch (error) {
    failures.push(`nft: ${firstLine(error)}`)
  }
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
  const text = error instanceof Error ? error.message : String(error)
  return (text.split('\n', 1)[0] ?? '').slice(0, 200)
}

const runProgram: Run = (argv, stdin) =>
  runChild(argv, { stdin, timeoutMs: nftTimeoutMs, outputBytesMax: listBytesMax })
