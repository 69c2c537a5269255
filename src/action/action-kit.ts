import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import type { ActionSpec } from '../domain/action-spec.js'
import type { Ban } from '../domain/ban.js'
import type { ChildResult } from '../lib/child.js'
import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'
import { JailActions, type JailActionsOptions } from './jail-actions.js'
import { type JailEvent, type PeerAction, type PeerBan, type PeerCase, peerNowS, type Trace } from './peer-kit.js'
import { Turns } from './turns.js'
import type { ActionWorld } from './world.js'

const nowMs = peerNowS * 1000
export const good: ChildResult = { exitCode: 0, stdout: '', stderr: '', timedOut: false }
const hostNames = { full: 'gate.example.org', short: 'gate' }

/** Jails with actions, and the live bans that a daemon would know of. Log lines are kept as `LEVEL text`. */
export class ActionKit {
  readonly logged: string[] = []
  readonly turns = new Turns()
  readonly live = new Map<string, Map<string, Ban>>()
  readonly jails = new Map<string, JailActions>()
  nowMs = nowMs

  jail(name: string, actions: readonly PeerAction[], change: Partial<JailActionsOptions> = {}): JailActions {
    const live = new Map<string, Ban>()
    const clock: Clock = { now: () => this.nowMs, after: () => () => {} }
    const log: Log = {
      isOn: (level) => level !== 'DEBUG' && level !== 'TRACEDEBUG',
      write: (level, module, text) => {
        if (level !== 'DEBUG') this.logged.push(`${level} ${module} ${text}`)
      },
    }
    const jail = new JailActions({
      jail: name,
      specs: actions.map(specOf),
      clock,
      log,
      hostNames,
      turns: this.turns,
      durationMs: (text) => (Number.isFinite(Number(text)) ? Number(text) * 1000 : undefined),
      world: worldOf(live, (id) =>
        [...this.jails].flatMap(([other, its]) => (other !== name && this.live.get(other)?.has(id) ? [its] : [])),
      ),
      ...change,
    })
    this.live.set(name, live)
    this.jails.set(name, jail)
    return jail
  }

  ban(jail: string, id: string, change: Partial<Ban> = {}, restored = false): void {
    const ban = banOf({ jail, id, ...change })
    this.live.get(jail)?.set(id, ban)
    this.jails.get(jail)?.banned(ban, { restored })
  }

  unban(jail: string, id: string): void {
    const ban = this.live.get(jail)?.get(id)
    this.live.get(jail)?.delete(id)
    if (ban !== undefined) this.jails.get(jail)?.unbanned(ban)
  }

  async settled(): Promise<void> {
    for (const jail of this.jails.values()) await jail.settled()
  }
}

function worldOf(
  live: ReadonlyMap<string, Ban>,
  othersHolding: (id: string) => readonly JailActions[],
): ActionWorld<JailActions> {
  return {
    figures: () => ({ banned: live.size, bannedTotal: live.size, found: 0, foundTotal: 0 }),
    banTimeMs: () => 600_000,
    hostOf: () => Promise.resolve('host.example'),
    history: () => undefined,
    lastOf: (id) => live.get(id),
    othersHolding,
  }
}

const directory = mkdtempSync(join(tmpdir(), 'tocsin-action-'))
after(() => rmSync(directory, { recursive: true }))
let files = 0
/** The name of a file that is not there yet; all are gone at the end of the test file. */
export const freshFile = () => join(directory, `file-${files++}`)

export function action(name: string, properties: Readonly<Record<string, string>>): PeerAction {
  return { name, properties: Object.entries(properties) }
}

/** Runs nothing, keeps the scripts. */
export function recorder() {
  const ran: string[] = []
  const run = ([, , script = '']: readonly string[]) => {
    ran.push(script)
    return Promise.resolve(good)
  }
  return { ran, run }
}

export function specOf({ name, properties }: PeerAction): ActionSpec {
  const origin = { file: 'test', line: 0 }
  return { file: name, name, origin, properties: properties.map(([key, value]) => [key, String(value)] as const) }
}

export function banOf(change: Partial<Ban>): Ban {
  return {
    jail: 'jail',
    id: '203.0.113.7',
    startMs: nowMs,
    durationMs: 600_000,
    origin: { kind: 'jail' },
    count: 1,
    failures: 3,
    lines: [],
    data: {},
    ...change,
  }
}

/** Plays a case with our actions, as `peerTraces` does with Fail2ban's. */
export async function ourTrace({ actions, events, failing }: PeerCase): Promise<Trace> {
  const trace: string[][] = []
  let count = 0
  const kit = new ActionKit()
  const live = new Map<string, Ban & { isRestored: boolean }>()
  const jail = kit.jail('jail', actions, {
    run: ([, , ...command]) => {
      trace.push(['run', ...command])
      const fails = failing.includes(count++) && !command[0]?.startsWith('reload-')
      return Promise.resolve(fails ? { ...good, exitCode: 1 } : good)
    },
    log: {
      isOn: (level) => level !== 'DEBUG',
      write: (level, module, text) => {
        if (level !== 'DEBUG' && module !== 'utils') trace.push(['log', level, module, text])
      },
    },
    world: worldOf(live, () => []),
  })
  for (const event of events) {
    await happen(event)
    await jail.settled()
  }
  return trace

  async function happen(event: JailEvent): Promise<void> {
    if (event.do === 'start') return jail.start()
    if (event.do === 'flush') {
      const bans = [...live.values()]
      await jail.unbanAll(bans)
      live.clear()
    } else if (event.do === 'stop') await jail.stop(live.values())
    else if (event.do === 'reload') await jail.replace(event.actions.map(specOf), live.values())
    else if (event.do === 'ban') {
      const ban = { ...banFrom(event.ban), isRestored: event.ban.restored }
      live.set(ban.id, ban)
      jail.banned(ban, { restored: event.ban.restored })
    } else {
      const ban = live.get(event.id)
      if (ban === undefined) throw new Error(`${event.id} is not banned`)
      if (event.do === 'unban') {
        jail.unbanned(ban)
        await jail.settled()
        live.delete(event.id)
      } else if (event.do === 'prolong') {
        ban.durationMs = event.seconds * 1000
        jail.prolonged(ban)
      } else {
        kit.nowMs = event.nowS * 1000
        jail.repeated(ban, event.lateS * 1000)
        await jail.settled()
        kit.nowMs = nowMs
      }
    }
  }
}

function banFrom({ id, timeS, seconds, count, failures, lines, data }: PeerBan): Ban {
  return banOf({ id, startMs: timeS * 1000, durationMs: seconds * 1000, count, failures, lines, data })
}
