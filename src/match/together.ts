import type { Failure } from '../domain/failure.js'
import type { Fuse } from './fuse.js'
import { chunkBudgetMs, type Entry, type LineMatcher } from './line-matcher.js'
import { type LogText, lengthOf } from './log-text.js'
import type { Candidates } from './survey.js'

export interface Reading {
  matcher: LineMatcher
  onFailure(failure: Failure): void
}

/** A line of the journal and whether it is being written now. */
export interface TimedEntry extends Entry {
  live: boolean
}

/**
 * Lets several filters read the same chunk under one fuse, since lighting it takes 0.1 ms. When it blows, the filter that was reading goes on under a fuse of its own,
 * which finds out what was wrong, and the others follow. Failures are told of filter by filter.
 */
export function readTogether(
  readings: readonly Reading[],
  log: LogText,
  candidates: readonly Candidates[],
  { nowMs, live, fuse }: { nowMs: number; live: boolean; fuse: Fuse },
): void {
  const busy = readings.filter(({ matcher }, i) => matcher.begin(log, { nowMs, live, candidates: candidates[i] }))
  let at = 0
  const readOn = () => {
    for (; at < busy.length; at++) busy[at]?.matcher.read()
  }
  const budgetMs = chunkBudgetMs(lengthOf(log))
  while (at < busy.length) {
    if (fuse.run(readOn, budgetMs)) break
    busy[at++]?.matcher.recover()
  }
  for (const { matcher, onFailure } of busy) matcher.deliver(onFailure)
}

/** The same for entries of the journal: one fuse for all of them. */
export function readEntriesTogether(
  readings: readonly Reading[],
  entries: readonly TimedEntry[],
  { nowMs, fuse }: { nowMs: number; fuse: Fuse },
): void {
  const count = entries.length * readings.length
  let at = 0
  const pairAt = () => ({ entry: entries[Math.floor(at / readings.length)], reading: readings[at % readings.length] })
  const readOn = () => {
    for (; at < count; at++) {
      const { entry, reading } = pairAt()
      if (entry !== undefined) reading?.matcher.readEntry(entry, { nowMs, live: entry.live })
    }
  }
  const budgetMs = chunkBudgetMs(entries.reduce((sum, { text }) => sum + text.length, 0))
  while (at < count) {
    if (fuse.run(readOn, budgetMs)) break
    const { entry, reading } = pairAt()
    if (entry !== undefined) reading?.matcher.recoverEntry(entry, { nowMs, live: entry.live })
    at++
  }
  for (const { matcher, onFailure } of readings) matcher.deliver(onFailure)
}
