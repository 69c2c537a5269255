import { type Ban, endMs } from '../../domain/ban.js'

type Banned = Pick<Ban, 'id' | 'jail' | 'startMs' | 'durationMs' | 'failures' | 'origin'> & { atMs?: number }

/** What the others are told of a ban, before it has its number. `atMs`: when it is told; missing: when it began. */
export function banWordOf({ id, jail, startMs, durationMs, failures, origin, atMs = startMs }: Banned) {
  const untilMs = durationMs === undefined ? undefined : endMs({ startMs, durationMs })
  return { kind: 'ban' as const, atMs, ip: id, jail, untilMs, failures, byHand: origin.kind === 'operator' }
}

export type Lifted = Pick<Ban, 'id' | 'jail'>

/** How long a lift is remembered by those who were away. */
export const liftMs = 7 * 86_400_000

/** What the others are told of a ban that is lifted by hand. */
export function liftWordOf({ id, jail }: Lifted, atMs: number) {
  return { kind: 'unban' as const, atMs, ip: id, jail, everywhere: false, untilMs: atMs + liftMs }
}
