import { execFileSync } from 'node:child_process'
import { cpus, release } from 'node:os'
import { root } from './workspace.js'

/** One line of a table: what one subject needed for, or did of, one measure. */
export interface Row {
  measure: string
  /** Who: tocsin, or a peer with its version. */
  subject: string
  unit: string
  /** One for each run. */
  values: number[]
  /** A goal, for tocsin only. */
  reach?: number
  /** What the reader must know to compare: other sizes, what is not counted. */
  note?: string
}

export interface Report {
  benchmark: string
  /** What was measured and how, for somebody who has not read the code. */
  method: string
  /** Whether a greater value is the better one; by unit, else yes. */
  rows: Row[]
  /** Peers that are not installed, and what else limits the comparison. */
  remarks: string[]
}

export interface Summary {
  median: number
  min: number
  max: number
  runs: number
}

export interface Circumstances {
  /** UTC, to the minute. */
  date: string
  commit: string
  machine: { cores: number; cpu: string; kernel: string; node: string }
}

/** Units of which less is better. */
const costs = new Set(['ns', 'µs', 'ms', 'MiB', 'bytes', 's'])

/** Prints the report: one JSON line for programs, then a table for people. */
export function print(report: Report): void {
  const rows = report.rows.map(({ values, ...row }) => ({ ...row, ...summarize(values), ...comparison(row, report) }))
  process.stdout.write(`${JSON.stringify({ ...report, ...circumstances(), rows })}\n\n`)
  const cells = rows.map((row) => [
    row.measure,
    row.subject,
    `${figure(row.median)} ${row.unit}`,
    row.runs > 1 ? `(${figure(row.min)}–${figure(row.max)}, ${row.runs} runs)` : '',
    row.tocsinIsBetterBy === undefined ? '' : `tocsin ${figure(row.tocsinIsBetterBy)} × as good`,
    row.isReached === undefined ? '' : `${row.isReached ? 'met' : 'MISSED'}: ${figure(row.reach ?? 0)} ${row.unit}`,
  ])
  const widths = [0, 1, 2, 3, 4].map((at) => Math.max(...cells.map((line) => line[at]?.length ?? 0)))
  for (const line of cells)
    process.stdout.write(
      `${line
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd()}\n`,
    )
  for (const remark of report.remarks) process.stdout.write(`${remark}\n`)
  process.stdout.write('\n')
}

export function summarize(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b)
  return { median: quantile(sorted, 0.5), min: sorted[0] ?? 0, max: sorted.at(-1) ?? 0, runs: sorted.length }
}

/** The value below which this share of the (sorted) values lies; the nearest rank, so one that was really measured. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

/** Three digits tell all there is. */
export function figure(value: number): string {
  if (value >= 1000) return Number(value.toPrecision(3)).toLocaleString('en')
  return String(Number(value.toPrecision(3)))
}

/** Beside the first row of the same measure, which is ours. */
function comparison(row: Omit<Row, 'values'>, report: Report): { tocsinIsBetterBy?: number; isReached?: boolean } {
  const isCost = costs.has(row.unit)
  const own = report.rows.find((one) => one.measure === row.measure)
  const peer = report.rows.find((one) => one.measure === row.measure && one.subject === row.subject)
  if (own === undefined || peer === undefined) return {}
  const [ours, theirs] = [summarize(own.values).median, summarize(peer.values).median]
  if (own !== peer) return { tocsinIsBetterBy: isCost ? theirs / ours : ours / theirs }
  if (row.reach === undefined) return {}
  return { isReached: isCost ? ours <= row.reach : ours >= row.reach }
}

/** When, where and of which state of the source something is measured. */
export function circumstances(): Circumstances {
  const all = cpus()
  return {
    date: new Date().toISOString().slice(0, 16),
    commit: commit(),
    machine: { cores: all.length, cpu: all[0]?.model ?? 'unknown', kernel: release(), node: process.versions.node },
  }
}

function commit(): string {
  if (process.env.TOCSIN_BENCH_COMMIT !== undefined) return process.env.TOCSIN_BENCH_COMMIT
  try {
    const git = (...args: string[]) => execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: 'pipe' })
    const isChanged = git('status', '--porcelain', '--', 'src').trim() !== ''
    return `${git('rev-parse', '--short', 'HEAD').trim()}${isChanged ? ' with changes' : ''}`
  } catch {
    return 'an unknown commit'
  }
}
