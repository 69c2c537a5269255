import { type Ban, endMs } from '../domain/ban.js'

/** What is told of: see docs/notifications.md. */
export type Notification =
  | { kind: 'ban'; ban: Ban; atMs: number }
  | { kind: 'unban'; ban: Pick<Ban, 'jail' | 'id'>; why: 'expired' | 'lifted'; atMs: number }
  | { kind: 'trouble'; text: string; atMs: number }
  /** In place of more than anybody reads. */
  | { kind: 'summary'; counts: ReadonlyMap<string, JailCounts>; sinceMs: number; atMs: number }

export interface JailCounts {
  bans: number
  unbans: number
}

/** Of a ban's lines, the newest; of each, the first characters. A message is to be read, and has to fit everywhere. */
const linesMax = 10
const lineLengthMax = 500

/** The JSON document that webhooks and commands get. Its keys are a promise: they may become more, never others. */
export function jsonOf(notification: Notification, host: string): string {
  const text = sentenceOf(notification, host)
  const common = { version: 1, event: notification.kind, host, time: iso(notification.atMs), text }
  // `content` is what Discord shows, and there nobody may be called by an attacker's text.
  const forChats = { content: text, allowed_mentions: { parse: [] } }
  return JSON.stringify({ ...common, ...factsOf(notification), ...forChats })
}

function factsOf(notification: Notification): object {
  switch (notification.kind) {
    case 'ban': {
      const { jail, id, durationMs, failures, count, origin, lines } = notification.ban
      const until = durationMs === undefined ? null : iso(endMs(notification.ban))
      const bantime = durationMs === undefined ? null : Math.round(durationMs / 1000)
      const shown = lines.slice(-linesMax).map((line) => line.slice(0, lineLengthMax))
      return { jail, id, bantime, until, failures, count, origin: origin.kind, lines: shown }
    }
    case 'unban':
      return { jail: notification.ban.jail, id: notification.ban.id, why: notification.why }
    case 'trouble':
      return {}
    case 'summary':
      return { since: iso(notification.sinceMs), jails: Object.fromEntries(notification.counts) }
    default:
      return notification satisfies never
  }
}

/** One line for people. */
function sentenceOf(notification: Notification, host: string): string {
  switch (notification.kind) {
    case 'ban': {
      const { jail, id, durationMs, count } = notification.ban
      const again = count > 1 ? ` for the ${ordinal(count)} time` : ''
      const cause = causeOf(notification.ban)
      const why = cause === undefined ? '' : ` ${cause === byHand ? '' : 'after '}${cause}`
      return `${host}: ${harmless(jail)} banned ${harmless(id)}${again}${why}, ${lengthText(durationMs)}`
    }
    case 'unban': {
      const { jail, id } = notification.ban
      return `${host}: ${harmless(jail)} unbanned ${harmless(id)} (${notification.why})`
    }
    case 'trouble':
      return `${host}: ${harmless(notification.text)}`
    case 'summary':
      return `${host}: … and ${countsText(notification.counts)}`
    default:
      return notification satisfies never
  }
}

const byHand = 'by hand'

/** `5 failures`, `by hand`; undefined: neither, as for the word of another machine, or a network for its members. */
export function causeOf({ failures, origin }: Pick<Ban, 'failures' | 'origin'>): string | undefined {
  if (failures > 0) return plural(failures, 'failure')
  return origin.kind === 'operator' ? byHand : undefined
}

/** Adds what it tells of to the counts of its jail. */
export function count(counts: Map<string, JailCounts>, notification: Notification): void {
  if (notification.kind !== 'ban' && notification.kind !== 'unban') return
  const { jail } = notification.ban
  const its = counts.get(jail) ?? { bans: 0, unbans: 0 }
  if (notification.kind === 'ban') its.bans++
  else its.unbans++
  counts.set(jail, its)
}

/** `4,312 more bans in sshd, 3 more unbans in web`, the most first. */
export function countsText(counts: ReadonlyMap<string, JailCounts>, more = ' more'): string {
  const entries = [...counts].sort(([, a], [, b]) => b.bans + b.unbans - a.bans - a.unbans)
  const parts = entries.flatMap(([jail, { bans, unbans }]) => [
    ...(bans > 0 ? [`${grouped(bans)}${more} ${bans === 1 ? 'ban' : 'bans'} in ${harmless(jail)}`] : []),
    ...(unbans > 0 ? [`${grouped(unbans)}${more} ${unbans === 1 ? 'unban' : 'unbans'} in ${harmless(jail)}`] : []),
  ])
  const shown = parts.slice(0, jailsMax)
  return parts.length > jailsMax ? `${shown.join(', ')}, and in other jails` : shown.join(', ')
}

const jailsMax = 12

/** For chats, which read some characters as orders (`<!channel>`, `@everyone`, links), and for mail headers. */
export function harmless(text: string): string {
  const short = text.length > textMax ? `${text.slice(0, textMax)}…` : text
  const plain = short.replace(/[\p{C}\p{Z}]/gu, ' ').replaceAll('://', ': //')
  return plain.replace(/[<>&@`*~|\\[\]]/g, (one) => stand[one] ?? '?')
}

const textMax = 300
const stand: Readonly<Record<string, string>> = { '[': '(', ']': ')', '<': '(', '>': ')' }

export function lengthText(durationMs: number | undefined): string {
  if (durationMs === undefined) return 'for good'
  const seconds = Math.round(durationMs / 1000)
  for (const [name, length] of units) {
    if (seconds >= length && seconds % length === 0) return `for ${plural(seconds / length, name)}`
  }
  const [name, length] = units.find(([, one]) => seconds >= one * 2) ?? (['second', 1] as const)
  return `for about ${plural(Math.round(seconds / length), name)}`
}

const units = [
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const

function plural(count: number, name: string): string {
  return `${grouped(count)} ${name}${count === 1 ? '' : 's'}`
}

export function grouped(count: number): string {
  return count.toLocaleString('en-US')
}

function ordinal(count: number): string {
  const isTeen = count % 100 >= 11 && count % 100 <= 13
  const ending = isTeen ? 'th' : (['th', 'st', 'nd', 'rd'][count % 10] ?? 'th')
  return `${grouped(count)}${ending}`
}

function iso(ms: number): string {
  // A ban may end beyond what a date can say (the year 275760).
  return new Date(Math.min(ms, dateMsMax)).toISOString()
}

const dateMsMax = 8.64e15
