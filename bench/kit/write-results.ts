// Puts reports (JSON lines on standard input) into bench/RESULTS.md; what was not measured now stays as it was.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { figure } from './report.js'
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

interface PrintedReport {
  benchmark: string
  method: string
  remarks: string[]
  date: string
  commit?: string
  machine: { cores: number; cpu: string; kernel: string; node: string }
  rows: PrintedRow[]
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
  .map((line) => JSON.parse(line) as PrintedReport)
const sections = new Map(existingSections().map((text) => [nameOf(text), text]))
for (const report of reports) sections.set(report.benchmark, sectionOf(report))
writeFileSync(
  file,
  `${[head, ...[...sections].sort().map(([, text]) => text)].map((text) => text.trim()).join('\n\n')}\n`,
)

function existingSections(): string[] {
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split(/^(?=## )/m)
    .filter((text) => text.startsWith('## '))
}

function nameOf(section: string): string {
  return /^## (\S+)/.exec(section)?.[1] ?? ''
}

function sectionOf({ benchmark, method, remarks, date, commit, machine, rows }: PrintedReport): string {
  const { cores, cpu, kernel, node } = machine
  const lines = [
    `## ${benchmark}`,
    '',
    `${method[0]?.toUpperCase()}${method.slice(1)}.`,
    '',
    `\`npm run bench -- ${benchmark}\`, ${date.replace('T', ' ')} UTC, at ${commit ?? 'an unknown commit'}; ${cores} cores (${cpu}, shared with others), Linux ${kernel}, Node ${node}.`,
    '',
    '| Measure | Who | Median (least–greatest) | tocsin is better by | Reach |',
    '|---|---|---|---|---|',
    ...rows.map(line),
    ...rows
      .filter((row) => row.note !== undefined)
      .map((row, at) => `${at === 0 ? '\n' : ''}- ${row.measure}, ${row.subject}: ${row.note}.`),
    ...remarks.map((remark) => `- ${remark}`),
  ]
  return lines.join('\n')
}

function line(row: PrintedRow): string {
  const range = row.runs > 1 ? ` (${figure(row.min)}–${figure(row.max)})` : ''
  const factor = row.tocsinIsBetterBy === undefined ? '' : `${figure(row.tocsinIsBetterBy)} ×`
  const goal =
    row.reach === undefined ? '' : `${figure(row.reach)} ${row.unit}: ${row.isReached ? 'met' : '**missed**'}`
  return `| ${row.measure} | ${row.subject} | ${figure(row.median)}${range} ${row.unit} | ${factor} | ${goal} |`
}
