import { type Ban, endMs } from '../../domain/ban.js'

type Banned = Pick<Ban, 'id' | 'jail' | 'startMs' | 'durationMs' | 'failures' | 'origin'> & { atMs?: number }

/** What the others are told of a ban, before it has its number. `atMs`: when it is told; missing: when it began. */
export function banWordOf({ id, jail, startMs, durationMs, failures, origin, atMs = startMs }: Banned) {
  const untilMs = durationMs === undefined ? undefined : endMs({ startMs, durationMs })
  return { kind: 'ban' as const, atMs, ip: id, jail, untilMs, failures, byHand: origin.kind === 'operator' }
}
