import type { Ban } from '../domain/ban.js'
import { decodeBanData, decodeTail } from './ban-data.js'
import type { Row } from './sqlite.js'

/** `bantime` of a permanent ban. */
const permanent = -1
/** Fail2ban's own `bantime` where nothing else is said. */
export const durationMsDefault = 600_000
/** `bantime` of a ban from a version 2 file. */
const unknown = -2

/** A ban's length as Fail2ban stores it. Rounded up: a ban under a second must not become none, nor one that is over at once. */
export function secondsOf(durationMs: number | undefined): number {
  return durationMs === undefined ? permanent : Math.max(0, Math.ceil(durationMs / 1000))
}

/** A row of `bans` or `bips`. */
export function banOf(row: Row, unknownDurationMs: number): Ban {
  const { failures, lines, data, startMs, durationMs, isByOperator } = decodeBanData(row.data)
  return {
    jail: String(row.jail),
    id: String(row.ip ?? ''),
    startMs: exactMs(startMs, Number(row.timeofban), Math.round),
    durationMs: durationOf(Number(row.bantime), durationMs, unknownDurationMs),
    origin: isByOperator ? byOperator : byJail,
    count: Number(row.bancount),
    failures,
    lines,
    data,
  }
}

/**
 * The same of a row that has, for its `data`, the exact begin alone, or the end of the text, or null: who, when and how long, but not why. A
 * tenth of the time.
 */
export function briefBanOf(row: Row, unknownDurationMs: number): Ban {
  const tail = typeof row.data === 'string' ? decodeTail(row.data) : undefined
  const startMs = typeof row.data === 'number' ? row.data : tail?.startMs
  return {
    jail: String(row.jail),
    id: String(row.ip ?? ''),
    startMs: exactMs(startMs, Number(row.timeofban), Math.round),
    durationMs: durationOf(Number(row.bantime), tail?.durationMs, unknownDurationMs),
    origin: tail?.isByOperator ? byOperator : byJail,
    count: Number(row.bancount),
    failures: 0,
    lines: nothing,
    data: noData,
  }
}

export function asRestored(ban: Ban): Ban {
  if (ban.origin.kind !== 'operator') ban.origin = restored
  return ban
}

const byOperator = { kind: 'operator' } as const
const byJail = { kind: 'jail' } as const
const restored = { kind: 'restored' } as const
const nothing: readonly string[] = []
const noData = {}

function durationOf(banTime: number, exact: number | undefined, unknownDurationMs: number): number | undefined {
  if (banTime === permanent) return undefined
  return banTime === unknown ? unknownDurationMs : exactMs(exact, banTime, Math.ceil)
}

/** The milliseconds belong to these seconds; if the column was changed since, it is right. */
function exactMs(exact: number | undefined, seconds: number, rounded: (value: number) => number): number {
  return exact !== undefined && rounded(exact / 1000) === seconds ? exact : seconds * 1000
}
