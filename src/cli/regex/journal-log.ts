import { startChild } from '../../lib/child.js'
import { type JournalSource, journalDumpCommand } from '../../source/journal-command.js'
import { lineOf, wantedFields, writtenUs } from '../../source/journal-entry.js'
import { type ExportedEntry, JournalExport } from '../../source/journal-export.js'

/** A line with its date written in front of it, and its time, which is known from elsewhere. */
export interface DatedLine {
  text: string
  dateLength: number
  /** Epoch milliseconds, with a fraction. */
  timeMs: number
}

/**
 * Reads all entries of the journal from the first on and hands them over as they come, in the lines that Fail2ban's tool makes of them. Resolves to a
 * sentence when it cannot be read, and to how many entries were passed over because they are too long.
 */
export async function readJournal(
  source: JournalSource,
  onLines: (lines: readonly DatedLine[]) => void,
): Promise<{ failed: string } | { entriesTooLong: number }> {
  let lines: DatedLine[] = []
  let entriesTooLong = 0
  let isGarbled = false
  const onEntry = ({ fields, isTooLong }: ExportedEntry) => {
    if (isTooLong || !fields.has('MESSAGE')) entriesTooLong++
    else lines.push(datedLine(lineOf(fields), writtenUs(fields) ?? 0))
  }
  const parser = new JournalExport({ wanted: wantedFields, onEntry })
  const child = startChild(journalDumpCommand(source), {
    env: { ...process.env, LC_ALL: 'C' },
    // What is read is looked at before anything more is: journalctl waits meanwhile.
    onStdout: (piece) => {
      isGarbled ||= !parser.push(piece)
      if (isGarbled) child.stop()
      const read = lines
      lines = []
      if (read.length > 0) onLines(read)
    },
  })
  const { exitCode, stderr } = await child.ended
  if (isGarbled) return { failed: 'what journalctl printed is not the export format' }
  if (exitCode === 0) return { entriesTooLong }
  if (exitCode === 127) return { failed: `journalctl is not there (${stderr.trim()})` }
  return { failed: `journalctl ended with exit code ${exitCode}: ${stderr.trim().split('\n')[0]?.slice(0, 300)}` }
}

function datedLine(text: string, us: number): DatedLine {
  const date = `${localIso(us)} `
  return { text: date + text, dateLength: date.length, timeMs: us / 1000 }
}

/** As Python's `datetime.isoformat` of a local time with its zone; a fraction of six digits where there is one. */
function localIso(us: number): string {
  const at = new Date(Math.floor(us / 1e6) * 1000)
  const two = (value: number) => String(value).padStart(2, '0')
  const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  const fraction = us % 1e6
  const east = -at.getTimezoneOffset()
  const zone = `${east < 0 ? '-' : '+'}${two(Math.trunc(Math.abs(east) / 60))}:${two(Math.abs(east) % 60)}`
  return `${date}T${time}${fraction === 0 ? '' : `.${String(fraction).padStart(6, '0')}`}${zone}`
}
