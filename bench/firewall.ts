// How quickly bans get into the kernel, into empty sets and full ones, beside the programs that others use for it.
import { setImmediate } from 'node:timers/promises'
import { ipOf } from '../src/domain/address.js'
import type { Enforcer, TimedClosure } from '../src/domain/enforcer.js'
import { IpsetEnforcer } from '../src/firewall/ipset.js'
import { IpsetTool } from '../src/firewall/ipset-tool.js'
import { KernelEnforcer } from '../src/firewall/kernel.js'
import { runChild } from '../src/lib/child.js'
import { systemClock as clock } from '../src/lib/clock.js'
import { print, quantile, type Row } from './kit/report.js'
import { findProgram, isApart, versionOf } from './kit/workspace.js'

const jail = 'sshd'
const hourMs = 3_600_000
const scopes = [{ jail, ports: [{ first: 22, last: 22 }], protocols: ['tcp' as const] }]
const million = 1_000_000
/** Named as Fail2ban names its own. */
const peerSet = 'inet f2b-table addr-set-sshd'

/** Somebody who bans. */
interface Banner {
  name: string
  /** How many bans are made one by one. */
  ones: number
  begin(): Promise<void>
  ban(closures: readonly TimedClosure[]): Promise<unknown>
  end(): Promise<void>
}

const rows: Row[] = []
const remarks: string[] = []
if (isApart) await measure()
else remarks.push('Not root: there is no kernel to ban in; nothing is measured.')

print({
  benchmark: 'firewall',
  method:
    'new IPv4 addresses, each with an end of its own, into the packet filter of a network namespace, without any daemon; wall time until the kernel has them',
  rows,
  remarks,
})

async function measure(): Promise<void> {
  const nft = findProgram('nft')
  const version = nft === undefined ? '' : (versionOf(nft).split(' (')[0] ?? 'nft')
  const banners = [
    own('tocsin', 2_000, () => new KernelEnforcer({ clock })),
    ...(nft === undefined ? [] : [nftProcess(version), fail2banAction(version)]),
    ...(findProgram('ipset') === undefined
      ? []
      : [own('tocsin, by = ipset', 50, () => new IpsetEnforcer({ clock, tool: new IpsetTool(clock) }))]),
  ]
  if (nft !== undefined)
    remarks.push("Fail2ban's command puts addresses in without an end; Fail2ban itself takes them out.")
  if (nft === undefined) remarks.push('nft is not installed: not compared with it.')
  for (const banner of banners) await costOf(banner)
  await compared()
  const measures = [...new Set(rows.map(({ measure }) => measure))]
  rows.sort((a, b) => measures.indexOf(a.measure) - measures.indexOf(b.measure))
}

async function costOf(banner: Banner): Promise<void> {
  const { name: subject, ones, begin, ban, end } = banner
  await begin()
  // What is compiled or loaded at first is not counted.
  for (const one of bans(Math.min(ones, 1_000), 9 << 24)) await ban([one])
  await end()
  await begin()
  rows.push(...(await latencies('one ban into an empty set', banner, 0)))
  const all = bans(million, 4 << 24)
  const pauses = watchPauses()
  const begun = performance.now()
  await ban(all)
  const ms = performance.now() - begun
  const pauseMs = await pauses()
  rows.push({ measure: '1,000,000 bans at once', subject, unit: 'ms', values: [ms] })
  if (subject === 'tocsin')
    rows.push({
      measure: 'longest time that nothing else could be done meanwhile',
      subject,
      unit: 'ms',
      values: [pauseMs],
    })
  rows.push(...(await latencies('one ban into 1,000,000', banner, 10 << 24)))
  await end()
}

async function latencies(measure: string, { name: subject, ones, ban }: Banner, first: number): Promise<Row[]> {
  const each: number[] = []
  for (const one of bans(ones, first)) {
    const begun = performance.now()
    await ban([one])
    each.push((performance.now() - begun) * 1000)
  }
  each.sort((a, b) => a - b)
  return [
    { measure: `${measure}, p50`, subject, unit: 'µs', values: [quantile(each, 0.5)], note: `${ones} bans` },
    { measure: `${measure}, p99`, subject, unit: 'µs', values: [quantile(each, 0.99)] },
  ]
}

/** What a restart does: nothing changes, all is compared. */
async function compared(): Promise<void> {
  const subject = 'tocsin'
  const enforcer = new KernelEnforcer({ clock })
  await enforcer.arrange(scopes)
  const all = bans(million, 4 << 24)
  const begunMs = Date.now()
  await enforcer.close(all)
  const passedMs = Date.now() - begunMs
  const wanted = all.map((one) => ({ ...one, remainingMs: hourMs - passedMs }))
  const pauses = watchPauses()
  const begun = performance.now()
  const { kept } = await enforcer.reconcile(wanted)
  const ms = performance.now() - begun
  const pauseMs = await pauses()
  const clearing = performance.now()
  await enforcer.clear()
  rows.push(
    { measure: '1,000,000 bans compared', subject, unit: 'ms', values: [ms], note: `${kept} were as they should be` },
    { measure: 'longest time that nothing else could be done while comparing', subject, unit: 'ms', values: [pauseMs] },
    { measure: '1,000,000 bans lifted at once', subject, unit: 'ms', values: [performance.now() - clearing] },
  )
  enforcer.release()
}

function own(name: string, ones: number, make: () => Enforcer): Banner {
  let enforcer: Enforcer
  return {
    name,
    ones,
    async begin() {
      enforcer = make()
      await enforcer.arrange(scopes)
    },
    ban: (closures) => enforcer.close(closures),
    async end() {
      await enforcer.clear()
      enforcer.release()
    },
  }
}

/** A script for each call, without a shell. */
function nftProcess(version: string): Banner {
  return {
    name: `${version}, nft -f`,
    ones: 100,
    begin: () =>
      nft('add table inet f2b-table; add set inet f2b-table addr-set-sshd { type ipv4_addr; flags timeout; }'),
    ban(closures) {
      const list = closures.map(({ ip, remainingMs }) => `${ip.text} timeout ${(remainingMs ?? 0) / 1000}s`)
      return nft(`add element ${peerSet} { ${list.join(', ')} }\n`)
    },
    end: () => nft('delete table inet f2b-table'),
  }
}

/** The command that Fail2ban's action nftables-multiport has for a ban, in a shell as there, without Fail2ban around it. */
function fail2banAction(version: string): Banner {
  return {
    name: `Fail2ban's nftables command, ${version}`,
    ones: 100,
    begin: () => nft('add table inet f2b-table; add set inet f2b-table addr-set-sshd { type ipv4_addr; }'),
    async ban(closures) {
      if (closures.length > 1)
        return nft(`add element ${peerSet} { ${closures.map(({ ip }) => ip.text).join(', ')} }\n`)
      const command = `nft add element ${peerSet} \\{ ${closures[0]?.ip.text} \\}`
      return expectSuccess(['sh', '-c', command], '')
    },
    end: () => nft('delete table inet f2b-table'),
  }
}

function nft(script: string): Promise<void> {
  return expectSuccess(['nft', '-f', '-'], script)
}

async function expectSuccess(argv: readonly string[], stdin: string): Promise<void> {
  const { exitCode, stderr } = await runChild(argv, { stdin, timeoutMs: 300_000 })
  if (exitCode !== 0) throw new Error(`${argv.join(' ')} gave exit code ${exitCode}: ${stderr}`)
}

/** `count` addresses from `first` on. */
function bans(count: number, first: number): TimedClosure[] {
  return Array.from({ length: count }, (_, i) => {
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setUint32(0, first + i + 1)
    return { jail, ip: ipOf(bytes), remainingMs: hourMs }
  })
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
