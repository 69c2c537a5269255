// Puts reports (JSON lines on standard input) into bench/RESULTS.md; what was not measured now stays as it was.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type Circumstances, circumstances, figure } from './report.js'
import { root } from './workspace.js'

interface PrintedRow {
  measure: string
  subject: string
  unit: string
  median: number
  min: number
  max: number
  runs: number
  note?: string
  reach?: number
  isReached?: boolean
  tocsinIsBetterBy?: number
}

interface PrintedReport extends Circumstances {
  benchmark: string
  method: string
  remarks: string[]
  rows: PrintedRow[]
}

/** What a benchmark prints that has no table of peers: figures by name, the unit last in the name. */
interface PlainFigures {
  bench: string
  [figure: string]: number | string
}

const file = path.join(root, 'bench', 'RESULTS.md')
const head = `# What was measured

\`npm run bench\` measures everything on your machine, \`npm run bench -- NAME\` one of these, \`-- --write\` renews the figures here. Each
section says when, on what, and beside whom: a peer's figure is always from the same run. Medians, with the least and the greatest
of all runs. A log of an attacked sshd comes from a directory of logs (\`TOCSIN_BENCH_LOGS\`), or is made by the benchmark; the real one used
here is the OpenSSH sample of loghub (https://github.com/logpai/loghub; Zhu, He, He, Liu, Lyu: *Loghub*, ISSRE 2023).
`

const reports = readFileSync(0, 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as PrintedReport | PlainFigures)
const sections = new Map(existingSections().map((text) => [nameOf(text), text]))
for (const report of reports)
  if (isReport(report)) sections.set(report.benchmark, sectionOf(report))
  else sections.set(report.bench, plainSectionOf(report))
writeFileSync(
  file,
  `${[head, ...[...sections].sort().map(([, text]) => text)].map((text) => text.trim()).join('\n\n')}\n`,
)

function isReport(report: PrintedReport | PlainFigures): report is PrintedReport {
  return Array.isArray(report.rows)
}

function existingSections(): string[] {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split(/^(?=## )/m)
    .filter((text) => text.startsWith('## '))
}

function nameOf(section: string): string {
  return /^## (\S+)/.exec(section)?.[1] ?? ''
}

function sectionOf({ benchmark, method, remarks, rows, ...rest }: PrintedReport): string {
  const lines = [
    `## ${benchmark}`,
    '',
    `${method[0]?.toUpperCase()}${method.slice(1)}.`,
    '',
    whenAndWhere(benchmark, rest),
    '',
    '| Measure | Who | Median (least–greatest) | tocsin is better by | Reach |',
    '|---|---|---|---|---|',
    ...rows.map(line),
    '',
    ...rows.flatMap((row) => (row.note === undefined ? [] : `- ${row.measure}, ${row.subject}: ${row.note}.`)),
    ...remarks.map((remark) => `- ${remark}`),
  ]
  return lines.join('\n')
}

/** The names are the benchmark's own; its source says what they mean. */
function plainSectionOf({ bench, ...figures }: PlainFigures): string {
  const numbers = Object.entries(figures).filter((entry): entry is [string, number] => typeof entry[1] === 'number')
  return [
    `## ${bench}`,
    '',
    whenAndWhere(bench, circumstances()),
    '',
    '| Figure | Value |',
    '|---|---|',
    ...numbers.map(([name, value]) => `| ${name} | ${figure(value)} |`),
  ].join('\n')
}

function whenAndWhere(name: string, { date, commit, machine }: Circumstances): string {
  const { cores, cpu, kernel, node } = machine
  return (
    `\`npm run bench -- ${name}\`, ${date.replace('T', ' ')} UTC, at ${commit}; ` +
    `${cores} cores (${cpu}, shared with other work), Linux ${kernel}, Node ${node}.`
  )
}

function line(row: PrintedRow): string {
  const range = row.runs > 1 ? ` (${figure(row.min)}–${figure(row.max)})` : ''
  const factor = row.tocsinIsBetterBy === undefined ? '' : `${figure(row.tocsinIsBetterBy)} ×`
  const goal =
    row.reach === undefined ? '' : `${figure(row.reach)} ${row.unit}: ${row.isReached ? 'met' : '**missed**'}`
  return `| ${row.measure} | ${row.subject} | ${figure(row.median)}${range} ${row.unit} | ${factor} | ${goal} |`
}
