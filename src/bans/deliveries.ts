import { type Ip, parseIp } from '../domain/address.js'
import type { Ban } from '../domain/ban.js'
import type { BanStore } from '../domain/ban-store.js'
import type { Enforcer, TimedClosure } from '../domain/enforcer.js'
import type { Clock } from '../lib/clock.js'
import { messageOf } from '../lib/error-message.js'
import type { InTurn } from '../lib/in-turn.js'
import type { Log } from '../lib/log.js'
import { Delivery } from './delivery.js'
import { type LiveBan, type LiveBans, remainingMs } from './live-bans.js'

/** What the store is to be told: a ban to keep, or (undefined) one to forget. */
export interface Saving {
  jail: string
  id: string
  ban: Ban | undefined
}

/** Closures in one transaction to the enforcer: some 30 ms. */
const closuresMax = 10_000
/** Bans in one transaction to the store: some 20 ms. */
const savedMax = 2000

/** Brings bans to the enforcer: those that are live are closed, the others opened. Bans of jails that close nothing pass through. */
export function toEnforcer(options: {
  clock: Clock
  log: Log
  enforcer: Enforcer
  live: LiveBans
  /** In which whoever changes what the enforcer has does so. */
  turn: InTurn
  isInKernel(jail: string): boolean
  onDelivered(bans: LiveBan[]): void
}): Delivery<LiveBan> {
  const { clock, log, enforcer, live, turn, isInKernel, onDelivered } = options
  const isLive = (ban: LiveBan) => live.isLive(ban)
  return new Delivery({
    clock,
    batchMax: closuresMax,
    // Whoever is to be shut out goes before whoever is let in, however many those are.
    isUrgent: isLive,
    deliver: (bans) =>
      turn.run(async () => {
        const nowMs = clock.now()
        const real = bans.filter((ban) => isInKernel(ban.jail))
        const closures = (part: LiveBan[]) => part.flatMap((ban) => closureOf(ban, nowMs) ?? [])
        // One that has begun anew in bulk may be in force already.
        const over = closures(real.filter((ban) => !live.has(ban.jail, ban.id)))
        if (over.length > 0) await enforcer.open(over)
        const begun = closures(real.filter(isLive))
        if (begun.length > 0) await enforcer.close(begun)
      }),
    onDelivered,
    onTrouble: (error, waiting) => {
      const text = `Not enforced: ${waiting} change(s) wait for the kernel, trying again: ${messageOf(error)}`
      log.write('ERROR', 'actions', text)
    },
    onRecovered: () => log.write('NOTICE', 'actions', 'The kernel takes our changes again'),
  })
}

/** Brings bans to the store. */
export function toStore({
  clock,
  log,
  store,
  isElsewhere,
}: {
  clock: Clock
  log: Log
  store: BanStore
  isElsewhere?(jail: string): boolean
}): Delivery<Saving> {
  const isOthers = ({ jail }: Saving) => isElsewhere?.(jail) === true
  return new Delivery<Saving>({
    clock,
    batchMax: savedMax,
    // Neighbours in an index by address are on one page, which is then written once.
    sortsHeld: true,
    isUrgent: (item) => !isOthers(item),
    deliver: (items) => {
      const gone = items.filter((item) => item.ban === undefined)
      if (gone.length > 0) store.remove(gone)
      const added = items.flatMap((item) => item.ban ?? [])
      if (added.length > 0) store.add(added, { isElsewhere: items.every(isOthers) })
    },
    onDelivered: () => {},
    onTrouble: (error, waiting) => {
      const text = `Cannot save ${waiting} ban(s), they stay in the kernel, trying again: ${messageOf(error)}`
      log.write('ERROR', 'database', text)
    },
    onRecovered: () => log.write('NOTICE', 'database', 'Bans are saved again'),
  })
}

/** One text for each ban there can be. */
export function keyOf(ban: Pick<Ban, 'jail' | 'id'>): string {
  return `${ban.jail}\0${ban.id}`
}

/** Undefined for an id that is no address. */
export function closureOf(ban: LiveBan, nowMs: number): TimedClosure | undefined {
  const ip = parseIp(ban.id)
  return ip && closureTo(ip, ban, nowMs)
}

/** The same by whoever has read the id already. */
export function closureTo(ip: Ip, ban: LiveBan, nowMs: number): TimedClosure {
  const left = remainingMs(ban, nowMs)
  return { jail: ban.jail, ip, remainingMs: left === undefined ? undefined : Math.max(1, left) }
}
