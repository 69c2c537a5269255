import { type Ban, endMs } from '../domain/ban.js'
import type { Log, LogLevel } from '../lib/log.js'
import type { LiveBan } from './live-bans.js'
import type { BanWatcher } from './news.js'

/** Failures this soon after the ban were on their way when it began. */
const soonMs = 3000

/**
 * A jail says so for every few lines of a burst that was already written when the ban began: an end that moves by less than a
 * tenth is not worth a change in the kernel and on the disk. An operator's word always is.
 */
export function isWorthExtending(known: LiveBan, ban: Ban): boolean {
  const gainedMs = endMs(ban) - endMs(known)
  return ban.origin.kind === 'jail' && ban.durationMs !== undefined ? gainedMs > ban.durationMs / 10 : gainedMs > 0
}

/** Says that somebody who is banned has failed again (spec 5.4). */
export function tellRepeat(
  known: LiveBan,
  ban: Ban,
  { log, actions }: { log: Log; actions?: BanWatcher | undefined },
): void {
  if (ban.origin.kind !== 'jail') return
  const lateMs = ban.startMs - known.startMs
  const level = levelOf(lateMs)
  if (log.isOn(level)) log.write(level, 'actions', `[${ban.jail}] ${known.id} already banned`)
  if (lateMs > soonMs) actions?.repeated?.(known, lateMs)
}

/** Lines that were on their way when the ban began are no news; later ones mean that the ban does not hold. */
function levelOf(lateMs: number): LogLevel {
  if (lateMs < soonMs) return 'DEBUG'
  return lateMs < 60_000 ? 'NOTICE' : 'WARNING'
}
