import assert from 'node:assert/strict'
import type { BanRecords } from '../../src/bans/ban-records.js'
import { Bans } from '../../src/bans/bans.js'
import type { BansOptions } from '../../src/bans/bans-options.js'
import { contains, parseIp } from '../../src/domain/address.js'
import type { Ban } from '../../src/domain/ban.js'
import { endMs } from '../../src/domain/ban.js'
import type { Closure, Enforcer, Reconciliation, TimedClosure } from '../../src/domain/enforcer.js'
import { ManualClock } from './manual-clock.js'
import { RecordingLog } from './recording-log.js'

/** An enforcer and a store whose failures a test can switch on: a kernel or disk that refuses cannot be had at will. */
export class SwitchableEnforcer implements Enforcer {
  readonly kind = 'simulate'
  readonly closed = new Map<string, number | undefined>()
  readonly calls: string[] = []
  failure: Error | undefined
  poison: string | undefined

  async arrange(): Promise<void> {}

  async close(closures: readonly TimedClosure[]): Promise<void> {
    this.calls.push(`close ${closures.length}`)
    this.#fail(closures)
    for (const { jail, ip, remainingMs } of closures) this.closed.set(`${jail} ${ip.text}`, remainingMs)
  }

  async open(closures: readonly Closure[]): Promise<void> {
    this.calls.push(`open ${closures.length}`)
    this.#fail(closures)
    for (const { jail, ip } of closures) this.closed.delete(`${jail} ${ip.text}`)
  }

  async reconcile(wanted: readonly TimedClosure[]): Promise<Reconciliation> {
    this.calls.push(`reconcile ${wanted.length}`)
    this.closed.clear()
    await this.close(wanted)
    return { kept: 0, added: wanted.length, removed: 0 }
  }

  async drops(): Promise<undefined> {}

  async count(): Promise<Map<string, number>> {
    const counts = new Map<string, number>()
    for (const key of this.closed.keys()) {
      const [jail = ''] = key.split(' ')
      counts.set(jail, (counts.get(jail) ?? 0) + 1)
    }
    return counts
  }

  async clear(): Promise<void> {
    this.closed.clear()
  }

  release(): void {}

  #fail(closures: readonly Closure[]): void {
    if (this.failure !== undefined) throw this.failure
    if (closures.some(({ ip }) => ip.text === this.poison)) throw new Error(`the kernel refuses ${this.poison}`)
  }
}

export class SwitchableStore implements BanRecords {
  readonly bans = new Map<string, Ban>()
  failure: Error | undefined

  add(bans: readonly Ban[]): void {
    if (this.failure !== undefined) throw this.failure
    for (const ban of bans) this.bans.set(`${ban.jail} ${ban.id}`, ban)
  }

  remove(bans: readonly Pick<Ban, 'jail' | 'id'>[]): void {
    if (this.failure !== undefined) throw this.failure
    for (const ban of bans) this.bans.delete(`${ban.jail} ${ban.id}`)
  }

  current(jail: string, nowMs: number): Ban[] {
    return [...this.bans.values()].filter((ban) => ban.jail === jail && endMs(ban) > nowMs)
  }

  *currentInSlices(jail: string, nowMs: number): Iterable<Ban[]> {
    yield this.current(jail, nowMs)
  }

  removeAll(jails: string | readonly string[]): void {
    if (this.failure !== undefined) throw this.failure
    for (const [key, ban] of this.bans) if ([jails].flat().includes(ban.jail)) this.bans.delete(key)
  }

  retime(jail: string, { fromMs, toMs }: { fromMs: number | undefined; toMs: number | undefined }): void {
    if (this.failure !== undefined) throw this.failure
    for (const [key, ban] of this.bans)
      if (ban.jail === jail && ban.durationMs === fromMs) this.bans.set(key, { ...ban, durationMs: toMs })
  }

  history(id: string): Ban[] {
    return [...this.bans.values()].filter((ban) => ban.id === id)
  }
}

/** The gate with everything around it that a test can turn; 10.0.0.0/8 is protected. */
export function setUpBans(over: Partial<BansOptions> = {}) {
  const clock = new ManualClock()
  const log = new RecordingLog()
  const enforcer = new SwitchableEnforcer()
  const store = new SwitchableStore()
  const home = parseIp('10.0.0.0/8') ?? assert.fail()
  const protection: BansOptions['protection'] = (ip) => (contains(home, ip) ? 'it is home' : undefined)
  /** What the watcher was told. */
  const told: string[] = []
  const actions: BansOptions['actions'] = {
    banned: (ban, how) => told.push(`${how} ${ban.jail} ${ban.id} ${ban.durationMs} ${ban.count} ${ban.lines.join()}`),
    prolonged: (ban) => told.push(`prolonged ${ban.jail} ${ban.id} ${ban.durationMs}`),
    unbanned: (ban, why) => told.push(`${why} ${ban.jail} ${ban.id}`),
    repeated: (ban, lateMs) => told.push(`repeated ${ban.jail} ${ban.id} ${lateMs}`),
  }
  const bans = new Bans({ clock, log, enforcer, store, protection, actions, ...over })
  const ban = (id = '192.0.2.1', change: Partial<Ban> = {}): Ban => ({
    jail: 'sshd',
    id,
    startMs: clock.now(),
    durationMs: 60_000,
    origin: { kind: 'jail' },
    count: 1,
    failures: 3,
    lines: ['x'],
    data: {},
    ...change,
  })
  return { clock, log, enforcer, store, bans, ban, told }
}
