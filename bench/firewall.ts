// How quickly bans get into the kernel, beside the nft command in the same run. Needs root; works in a network namespace of its own.
import { setImmediate } from 'node:timers/promises'
import { ipOf } from '../src/domain/address.js'
import type { TimedClosure } from '../src/domain/enforcer.js'
import { KernelEnforcer } from '../src/firewall/kernel.js'
import { enterOwnNetwork } from '../src/firewall/own-network.js'
import { runChild } from '../src/lib/child.js'
import { systemClock } from '../src/lib/clock.js'

const jail = 'sshd'
const hourMs = 3_600_000
const scopes = [{ jail, ports: [{ first: 22, last: 22 }], protocols: ['tcp' as const] }]

const problem = await enterOwnNetwork()
if (problem !== undefined) {
  console.log(`firewall: not measured: ${problem}`)
} else await measure()

async function measure(): Promise<void> {
  const enforcer = new KernelEnforcer({ clock: systemClock })
  const figures: Record<string, number> = {}
  await enforcer.arrange(scopes)
  await warmUp(enforcer)

  await enforcer.clear()
  await enforcer.arrange(scopes)
  const empty = await latenciesUs(enforcer, 2_000, 0)
  figures.emptyP50Us = empty.p50
  figures.emptyP99Us = empty.p99

  await enforcer.close(bans(100_000, 1 << 20))
  const full = await latenciesUs(enforcer, 2_000, 1 << 24)
  figures.full100kP50Us = full.p50
  figures.full100kP99Us = full.p99

  const single = bans(20_000, 2 << 24)
  figures.oneByOnePerSecond = await perSecond(single.length, async () => {
    for (const one of single) await enforcer.close([one])
  })
  const batched = bans(100_000, 3 << 24)
  figures.batchesOf1000PerSecond = await perSecond(batched.length, async () => {
    for (let at = 0; at < batched.length; at += 1000) await enforcer.close(batched.slice(at, at + 1000))
  })

  await enforcer.clear()
  await enforcer.arrange(scopes)
  const million = bans(1_000_000, 4 << 24)
  const pauses = watchPauses()
  const restoredMs = Date.now()
  figures.restoreMillionMs = await elapsedMs(() => enforcer.close(million))
  figures.restoreMillionLongestPauseMs = await pauses()
  const afterwards = await latenciesUs(enforcer, 2_000, 10 << 24)
  figures.fullMillionP50Us = afterwards.p50
  figures.fullMillionP99Us = afterwards.p99
  const reconcilePauses = watchPauses()
  const passedMs = Date.now() - restoredMs
  const wanted = million.map((one) => ({ ...one, remainingMs: hourMs - passedMs })).concat(bans(2_000, 10 << 24) as [])
  const started = performance.now()
  const found = await enforcer.reconcile(wanted)
  figures.reconcileMillionMs = performance.now() - started
  figures.reconcileMillionLongestPauseMs = await reconcilePauses()
  figures.reconcileMillionKept = found.kept
  figures.rssMb = process.memoryUsage().rss / 1e6
  figures.clearMillionMs = await elapsedMs(() => enforcer.clear())

  await enforcer.arrange(scopes)
  figures.nftScriptOf1000PerSecond = await perSecond(1_000, () => nftScript(bans(1_000, 5 << 24)))
  const few = bans(100, 6 << 24)
  figures.nftProcessEachPerSecond = await perSecond(few.length, async () => {
    for (const one of few) await nftScript([one])
  })
  await enforcer.clear()
  enforcer.release()
  report(figures)
}

function report(figures: Record<string, number>): void {
  const rounded = Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [name, Math.round(value * 10) / 10]),
  )
  console.log(JSON.stringify({ bench: 'firewall', node: process.version, ...rounded }))
  const f = rounded as Record<string, number>
  console.log(
    `firewall: one ban ${f.emptyP50Us} µs (p99 ${f.emptyP99Us}) into an empty set, ${f.full100kP50Us} (p99 ${f.full100kP99Us}) into 100,000, ` +
      `${f.fullMillionP50Us} (p99 ${f.fullMillionP99Us}) into 1,000,000; ${f.oneByOnePerSecond}/s one by one, ${f.batchesOf1000PerSecond}/s by 1,000; ` +
      `1,000,000 restored in ${f.restoreMillionMs} ms (longest pause ${f.restoreMillionLongestPauseMs} ms), compared in ${f.reconcileMillionMs} ms; ` +
      `nft: ${f.nftScriptOf1000PerSecond}/s by a script of 1,000, ${f.nftProcessEachPerSecond}/s by a process each`,
  )
}

async function warmUp(enforcer: KernelEnforcer): Promise<void> {
  for (const one of bans(5_000, 9 << 24)) await enforcer.close([one])
}

/** `count` addresses from `first` on. */
function bans(count: number, first: number): TimedClosure[] {
  return Array.from({ length: count }, (_, i) => {
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setUint32(0, first + i)
    return { jail, ip: ipOf(bytes), remainingMs: hourMs }
  })
}

async function latenciesUs(
  enforcer: KernelEnforcer,
  count: number,
  first: number,
): Promise<{ p50: number; p99: number }> {
  const each: number[] = []
  for (const one of bans(count, first)) {
    const started = performance.now()
    await enforcer.close([one])
    each.push((performance.now() - started) * 1000)
  }
  each.sort((a, b) => a - b)
  return { p50: each[count >> 1] ?? 0, p99: each[Math.floor(count * 0.99)] ?? 0 }
}

async function perSecond(count: number, work: () => Promise<unknown>): Promise<number> {
  return (count / (await elapsedMs(work))) * 1000
}

async function elapsedMs(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/** Turns the event loop all the while; the returned function says for how long it stood still at most. */
function watchPauses(): () => Promise<number> {
  let isOver = false
  let longestMs = 0
  const watching = (async () => {
    let last = performance.now()
    while (!isOver) {
      await setImmediate()
      longestMs = Math.max(longestMs, performance.now() - last)
      last = performance.now()
    }
  })()
  return async () => {
    isOver = true
    await watching
    return longestMs
  }
}

async function nftScript(closures: readonly TimedClosure[]): Promise<void> {
  const list = closures.map(({ ip, remainingMs }) => `${ip.text} timeout ${(remainingMs ?? 0) / 1000}s`).join(', ')
  const script = `add element inet tocsin v4-${jail} { ${list} }\n`
  const answer = await runChild(['nft', '-f', '-'], { stdin: script, timeoutMs: 60_000 })
  if (answer.exitCode !== 0) throw new Error(answer.stderr)
}
