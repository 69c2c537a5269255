import { type ChildProcess, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** The checkout. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..')

/** Whether we are in a network namespace of our own (scripts/bench.mjs): only there may bans be real. */
export const isApart = process.env.TOCSIN_BENCH_NETNS === '1'

/** A directory of our own that is gone when the benchmark is over, whatever its end. */
export function makeWorkspace(name: string): string {
  const dir = mkdtempSync(path.join(tmpdir(), `tocsin-bench-${name}-`))
  process.on('exit', () => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** Where a program of a peer is, or undefined when it is not installed. */
export function findProgram(name: string): string | undefined {
  const places = (process.env.PATH ?? '').split(':').concat('/usr/sbin', '/usr/libexec/sshguard', '/usr/lib/sshguard')
  return places.map((place) => path.join(place, name)).find((file) => existsSync(file))
}

/** First line that a program prints about its version. */
export function versionOf(program: string, option = '--version'): string {
  const { stdout, stderr } = spawnSync(program, [option], { encoding: 'utf8' })
  return `${stdout}${stderr}`.trim().split('\n', 1)[0] ?? ''
}

/** Waits until `isDone` says so, asking every `everyMs`. Throws after `patienceMs`. */
export async function until(
  isDone: () => boolean | Promise<boolean>,
  what: string,
  { everyMs = 20, patienceMs = 120_000 }: { everyMs?: number; patienceMs?: number } = {},
): Promise<void> {
  const begun = Date.now()
  while (!(await isDone())) {
    if (Date.now() - begun > patienceMs) throw new Error(`${what}: not so after ${patienceMs / 1000} s`)
    await pause(everyMs)
  }
}

/** Asks a child to end and waits for it; kills it when it does not. */
export async function end(child: ChildProcess, patienceMs = 20_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const killer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
  await gone
  clearTimeout(killer)
}

/** Whatever becomes of the benchmark, its children do not outlive it. */
export function mind<C extends ChildProcess>(child: C): C {
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  return child
}
