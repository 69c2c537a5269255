// What it costs to look whether bans are in force, and how soon they are again when somebody has removed them.
import { setImmediate } from 'node:timers/promises'
import { ipOf } from '../src/domain/address.js'
import type { Audit, AuditRequest, Closure, ForeignChange, Scope, TimedClosure } from '../src/domain/enforcer.js'
import { KernelEnforcer } from '../src/firewall/kernel.js'
import { runChild } from '../src/lib/child.js'
import { systemClock as clock } from '../src/lib/clock.js'
import { print, type Row } from './kit/report.js'
import { findProgram, isApart, versionOf } from './kit/workspace.js'

const scope: Scope = { jail: 'sshd', ports: 'all', protocols: [] }
const sizes = [10_000, 1_000_000]
const hourMs = 3_600_000
const fillAtOnce = 5_000
const rows: Row[] = []
const remarks = [
  'Fail2ban does not look: what others remove from its sets stays open until it is restarted, or until a next ban of the jail fails.',
]

if (isApart) for (const size of sizes) await measure(size)
else remarks.push('Not root: there is no packet filter to try; nothing is measured.')

print({
  benchmark: 'audit',
  method:
    'so many addresses in one set; CPU time is user and system of this process; "back" is from the end of the nft command until the audit that the ' +
    "kernel's news have started is over; the longest turn of the event loop is in CPU time too, that of the garbage collector included",
  rows,
  remarks,
})

async function measure(size: number): Promise<void> {
  const enforcer = new KernelEnforcer({ clock })
  await enforcer.clear()
  await enforcer.arrange([scope])
  const endMs = clock.now() + hourMs
  const closureAt = (i: number): TimedClosure => ({
    jail: scope.jail,
    ip: addressAt(i),
    remainingMs: endMs - clock.now(),
  })
  for (let at = 0; at < size; at += fillAtOnce) {
    await enforcer.close(Array.from({ length: fillAtOnce }, (_, i) => closureAt(at + i)))
    await setImmediate()
  }
  const request: AuditRequest = {
    *wanted() {
      for (let i = 0; i < size; i++) yield closureAt(i)
    },
    wantedNow: (closure) => (isOurs(closure, size) ? { ...closure, remainingMs: endMs - clock.now() } : undefined),
    settled: async () => {},
    isThorough: false,
    removeForeign: false,
    onFound() {},
  }
  const name = size.toLocaleString('en')
  const runs = size > 100_000 ? 3 : 11
  const [cpuMs, pauseMs]: [number[], number[]] = [[], []]
  for (let i = 0; i < runs; i++) {
    const pauses = watchPauses()
    const before = process.cpuUsage()
    check(await enforcer.audit(request), { missing: 0 })
    const { user, system } = process.cpuUsage(before)
    cpuMs.push((user + system) / 1000)
    pauseMs.push(pauses())
  }
  rows.push({ measure: `an audit of ${name} bans, CPU time`, subject: 'tocsin', unit: 'ms', values: cpuMs })
  rows.push({
    measure: `an audit of ${name} bans, longest turn of the event loop`,
    subject: 'tocsin',
    unit: 'ms',
    values: pauseMs,
    reach: 50,
  })
  await repairs(enforcer, request, size, runs)
  await nftList(size, runs)
  await enforcer.clear()
  enforcer.release()
}

async function repairs(enforcer: KernelEnforcer, request: AuditRequest, size: number, runs: number): Promise<void> {
  const name = size.toLocaleString('en')
  const damages = [
    {
      what: 'a ban that was removed',
      script: 'delete element inet tocsin v4-sshd { 10.0.0.7 }',
      missing: 1,
      reach: 1000,
    },
    { what: 'all after "flush ruleset"', script: 'flush ruleset', missing: size },
  ]
  for (const { what, script, missing, reach } of damages) {
    const values: number[] = []
    for (let i = 0; i < runs; i++) {
      let heard: ((change: ForeignChange) => void) | undefined
      const change = new Promise<ForeignChange>((resolve) => {
        heard = resolve
      })
      const stop = enforcer.watch((one) => heard?.(one))
      await nft(script)
      const started = performance.now()
      const { touched } = await change
      check(await enforcer.audit({ ...request, ...(touched && { only: touched }) }), { missing })
      values.push(performance.now() - started)
      stop()
    }
    rows.push({
      measure: `${what} is back, of ${name}`,
      subject: 'tocsin',
      unit: 'ms',
      values,
      ...(reach !== undefined && { reach }),
    })
  }
}

/** What a program has to do that looks through the command. */
async function nftList(size: number, runs: number): Promise<void> {
  const version = versionOf('nft')
  if (findProgram('nft') === undefined || size > 100_000) return
  const values: number[] = []
  for (let i = 0; i < Math.min(runs, 5); i++) {
    const started = performance.now()
    await runChild(['nft', '-j', 'list', 'set', 'inet', 'tocsin', 'v4-sshd'], {
      timeoutMs: 300_000,
      outputBytesMax: 1 << 29,
    })
    values.push(performance.now() - started)
  }
  rows.push({
    measure: `an audit of ${size.toLocaleString('en')} bans, CPU time`,
    subject: `nft -j list set (${version})`,
    unit: 'ms',
    values,
    note: 'time on the clock; comparing what it prints is not counted',
  })
}

function check({ missing, repaired, trouble }: Audit, wanted: { missing: number }): void {
  if (missing !== wanted.missing || repaired !== missing || trouble !== undefined)
    throw new Error(`Found ${missing} missing instead of ${wanted.missing}, repaired ${repaired}: ${trouble}`)
}

function addressAt(i: number) {
  return ipOf(Uint8Array.of(10, (i >> 16) & 255, (i >> 8) & 255, i & 255))
}

function isOurs({ ip: { bytes } }: Closure, size: number): boolean {
  const [first, a = 0, b = 0, c = 0] = bytes
  return first === 10 && ((a << 16) | (b << 8) | c) < size
}

/** In CPU time: on a machine that is shared, time on the clock tells of the others. */
function watchPauses(): () => number {
  let longest = 0
  let last = process.cpuUsage()
  let isOver = false
  void (async () => {
    while (!isOver) {
      await setImmediate()
      const { user, system } = process.cpuUsage(last)
      last = process.cpuUsage()
      longest = Math.max(longest, (user + system) / 1000)
    }
  })()
  return () => {
    isOver = true
    return longest
  }
}

async function nft(script: string): Promise<void> {
  const { exitCode, stderr } = await runChild(['nft', '-f', '-'], { stdin: `${script}\n`, timeoutMs: 60_000 })
  if (exitCode !== 0) throw new Error(`nft failed: ${stderr}`)
}
