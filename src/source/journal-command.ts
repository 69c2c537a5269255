import path from 'node:path'
import { entryFields } from './journal-entry.js'

/** What of which journal is read. */
export interface JournalSource {
  /** A line of `journalmatch` each, in words: `FIELD=value`, and `+` for OR. The lines are OR too. None: everything. */
  matches: readonly (readonly string[])[]
  /** What stood in `systemd[…]`. */
  options: Readonly<Record<string, string>>
}

/** Where to begin: with the entry of the cursor, which itself is known already; without one, at a time. */
export interface JournalStart {
  cursor?: string
  /** Also for a cursor that the journal does not know any more. */
  sinceMs: number
}

/** Flags of sd_journal_open(3), as in `journalflags`. */
const flag = { localOnly: 1, runtimeOnly: 2, systemOnly: 4, currentUser: 8 }
const knownOptions = ['journalpath', 'journalfiles', 'journalflags', 'namespace', 'rotated']
/** A field's name as journald allows it (systemd.journal-fields(7)). Nothing that begins with a dash comes through. */
const match = /^[A-Z_][A-Z0-9_]{0,63}=[^\0]*$/s

const exporting = [
  ...['journalctl', '--quiet', '--no-pager', '--output=export'],
  `--output-fields=${entryFields.join(',')}`,
]

/** A sentence for everything that keeps this source from being read. */
export function journalProblems({ matches, options }: JournalSource): string[] {
  const wrongWords = matches.flat().filter((word) => word !== '+' && !match.test(word))
  const unknown = Object.keys(options).filter((name) => !knownOptions.includes(name))
  const flags = options.journalflags
  return [
    ...wrongWords.map((word) => `journalmatch has "${word}", which is neither FIELD=value nor +`),
    ...unknown.map(
      (name) => `backend = systemd[${name}=…]: there is no such option; known are ${knownOptions.join(', ')}`,
    ),
    ...(flags === undefined || /^\d{1,3}$/.test(flags) ? [] : [`journalflags "${flags}" is not a number`]),
    ...Object.entries(options).flatMap(([name, value]) => (value.includes('\0') ? [`${name} holds a NUL`] : [])),
  ]
}

/**
 * The command that prints the entries from `start` on, and goes on with those that come. Every part is an argument of its own, no shell
 * sees it. The source must be free of `journalProblems`.
 */
export function journalCommand(source: JournalSource, start: JournalStart, machineId: string | undefined): string[] {
  return [
    ...exporting,
    '--follow',
    '--no-tail',
    // NOTE: without it --follow implies --boot (systemd 252), and what was logged before a reboot is not read.
    '--merge',
    ...placeArguments(source.options),
    // NOTE: not --after-cursor, which skips an entry unseen when that of the cursor is gone. We skip it ourselves.
    start.cursor === undefined ? `--since=@${(start.sinceMs / 1000).toFixed(6)}` : `--cursor=${start.cursor}`,
    ...matchArguments(source, machineId),
  ]
}

/** The command that prints all entries there are, and ends. As above. */
export function journalDumpCommand({ matches, options }: JournalSource): string[] {
  const isOfAll = options.journalflags !== undefined && (Number(options.journalflags) & flag.localOnly) === 0
  return [
    ...exporting,
    ...(isOfAll ? ['--merge'] : []),
    ...placeArguments(options),
    ...matchArguments({ matches, options }, undefined),
  ]
}

function placeArguments({ journalpath, journalfiles, journalflags, namespace }: JournalSource['options']): string[] {
  const flags = Number(journalflags ?? 0)
  // NOTE: absolute, for journalctl cannot follow a file by a relative name.
  const files = (journalfiles ?? '').split(/[\s,]+/).filter(Boolean)
  const directory = journalpath || (flags & flag.runtimeOnly && files.length === 0 ? '/run/log/journal' : '')
  return [
    ...files.map((file) => `--file=${path.resolve(file)}`),
    ...(directory === '' || files.length > 0 ? [] : [`--directory=${path.resolve(directory)}`]),
    ...(namespace === undefined ? [] : [`--namespace=${namespace}`]),
    ...(flags & flag.systemOnly ? ['--system'] : []),
    ...(flags & flag.currentUser ? ['--user'] : []),
  ]
}

/** The matches, OR between the lines. `--merge` also reads what other machines sent here: unless wanted, it is matched out. */
function matchArguments({ matches, options }: JournalSource, machineId: string | undefined): string[] {
  const branches = matches.flatMap((line) => branchesOf(line))
  const hasPlace = Boolean(options.journalpath || options.journalfiles)
  const isLocal = options.journalflags === undefined ? !hasPlace : (Number(options.journalflags) & flag.localOnly) !== 0
  const own = isLocal && machineId !== undefined ? [`_MACHINE_ID=${machineId}`] : []
  const all = branches.length === 0 ? [[]] : branches
  return all.flatMap((branch, index) => [
    ...(index > 0 ? ['+'] : []),
    ...branch,
    // Two matches of one field are OR: a branch that names its machine keeps its own.
    ...(branch.some((word) => word.startsWith('_MACHINE_ID=')) ? [] : own),
  ])
}

function branchesOf(line: readonly string[]): string[][] {
  const branches: string[][] = [[]]
  for (const word of line) {
    if (word === '+') branches.push([])
    else branches.at(-1)?.push(word)
  }
  return branches.filter((branch) => branch.length > 0)
}
