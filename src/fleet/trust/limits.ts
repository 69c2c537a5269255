import type { Level } from '../member.js'

/** How much a member may say. */
export interface Limits {
  /** New bans a minute, on average; a token bucket. */
  perMinute: number
  /** New bans at once; the bucket's size. */
  burst: number
  /** Its bans that run at a time. */
  populationMax: number
  /** Shortest prefix of a network, in bits. */
  prefix4Min: number
  prefix6Min: number
  /** Its bans end so long after they were told at the latest; Infinity: when it likes. */
  durationMsMax: number
  /** What its word does: bans by itself, or counts with others towards a ban. */
  weight: 'alone' | 'with-others'
}

export type LimitsByLevel = Readonly<Record<Level, Limits>>

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/** A normal node bans 25 addresses a day, a bad day's node 150: sixty a minute is an attack that many others see as well. */
const node: Limits = {
  perMinute: 60,
  burst: 300,
  populationMax: 20_000,
  prefix4Min: 24,
  prefix6Min: 48,
  durationMsMax: 7 * dayMs,
  weight: 'alone',
}

/** What holds where the configuration says nothing. */
export const limitsByDefault: LimitsByLevel = {
  operator: {
    perMinute: 600,
    burst: 3000,
    populationMax: 100_000,
    prefix4Min: 8,
    prefix6Min: 16,
    durationMsMax: Number.POSITIVE_INFINITY,
    weight: 'alone',
  },
  own: node,
  partner: { ...node, durationMsMax: dayMs, weight: 'with-others' },
  /** A block list: it comes as a whole. */
  feed: {
    ...node,
    perMinute: 10_000,
    burst: 250_000,
    populationMax: 250_000,
    prefix4Min: 8,
    prefix6Min: 19,
    durationMsMax: dayMs,
  },
  /** A line that anybody may have written into a shared file: as the ban of half an hour that it stands for there. */
  anonymous: {
    perMinute: 10,
    burst: 30,
    populationMax: 1000,
    prefix4Min: 32,
    prefix6Min: 128,
    durationMsMax: hourMs / 2,
    weight: 'alone',
  },
}

/** The defaults, where nothing else is said. */
export function limitsOf(said: Partial<Record<Level, Partial<Limits>>>): LimitsByLevel {
  const { operator, own, partner, feed, anonymous } = limitsByDefault
  return {
    operator: { ...operator, ...said.operator },
    own: { ...own, ...said.own },
    partner: { ...partner, ...said.partner },
    feed: { ...feed, ...said.feed },
    anonymous: { ...anonymous, ...said.anonymous },
  }
}
