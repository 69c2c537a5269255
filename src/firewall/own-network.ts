import { setTimeout as sleep } from 'node:timers/promises'
import { runChild } from '../lib/child.js'
import { cFunction } from '../lib/libc.js'

/** For tests: a network namespace of this process's main thread, with nobody else's rules in it. Ends with the process. */
export async function enterOwnNetwork(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'needs root'
  const CLONE_NEWNET = 0x40000000
  const unshare = cFunction<(flags: number) => number>('int unshare(int flags)')
  if (unshare(CLONE_NEWNET) !== 0) return 'needs network namespaces: unshare(CLONE_NEWNET) failed'
  for (const program of ['nft', 'ip'])
    if ((await runChild([program, '-V'], { timeoutMs: 5_000 })).exitCode !== 0) return `needs the ${program} command`
  const tried = await runChild(['nft', 'add', 'table', 'inet', 'tocsin'], { timeoutMs: 5_000 })
  return tried.exitCode === 0 ? undefined : `needs nf_tables in the kernel: ${tried.stderr.trim()}`
}

/** The kernel's clock cannot be turned, so here real time passes. */
export function passRealTime(ms: number): Promise<void> {
  return sleep(ms)
}
