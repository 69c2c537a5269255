import type { Ban } from '../domain/ban.js'
import { decodeBanData, decodeTail } from './ban-data.js'
import type { Row } from './sqlite.js'

/** `bantime` of a permanent ban. */
const permanent = -1
/** `bantime` of a ban from a version 2 file. */
const unknown = -2

/** A ban's length as Fail2ban stores it. Rounded up: a ban under a second must not become none, nor one that is over at once. */
export function secondsOf(durationMs: number | undefined): number {
  return durationMs === undefined ? permanent : Math.max(0, Math.ceil(durationMs / 1000))
}

/** A row of `bans` or `bips`. */
export function banOf(row: Row, unknownDurationMs: number): Ban {
  const { failures, lines, data, startMs, durationMs, isByOperator } = decodeBanData(row.data)
  return { ...timesOf(row, { startMs, durationMs, isByOperator }, unknownDurationMs), failures, lines, data }
}

/** The same of a row that has only the end of its `data`: who, when and how long, but not why. A tenth of the time. */
export function briefBanOf(row: Row, unknownDurationMs: number): Ban {
  return { ...timesOf(row, decodeTail(row.data), unknownDurationMs), failures: 0, lines: [], data: {} }
}

export function asRestored(ban: Ban): Ban {
  return ban.origin.kind === 'operator' ? ban : { ...ban, origin: { kind: 'restored' } }
}

function timesOf(
  row: Row,
  exact: { startMs: number | undefined; durationMs: number | undefined; isByOperator: boolean },
  unknownDurationMs: number,
): Omit<Ban, 'failures' | 'lines' | 'data'> {
  const banTime = Number(row.bantime)
  return {
    jail: String(row.jail),
    id: String(row.ip ?? ''),
    startMs: exactMs(exact.startMs, Number(row.timeofban), Math.round),
    durationMs: banTime === permanent ? undefined : durationOf(banTime, exact.durationMs, unknownDurationMs),
    origin: { kind: exact.isByOperator ? 'operator' : 'jail' },
    count: Number(row.bancount),
  }
}

function durationOf(banTime: number, exact: number | undefined, unknownDurationMs: number): number {
  return banTime === unknown ? unknownDurationMs : exactMs(exact, banTime, Math.ceil)
}

/** The milliseconds belong to these seconds; if the column was changed since, it is right. */
function exactMs(exact: number | undefined, seconds: number, rounded: (value: number) => number): number {
  return exact !== undefined && rounded(exact / 1000) === seconds ? exact : seconds * 1000
}
