import type { LineRun } from './line-run.js'
import type { Log } from './log-choice.js'

/** The journal, or the log, cannot be read. */
export class CannotRead extends Error {}

/** Runs all lines of the log. Resolves to sentences on what was passed over; rejects with CannotRead. */
export async function readWhole(log: Log, run: LineRun): Promise<string[]> {
  if (log.kind === 'text') {
    for (const { text, bytes } of log.text.pieces) run.readText(text, bytes)
    const { linesTooLong } = log.text
    return linesTooLong > 0 ? [`passed over ${linesTooLong} line(s) longer than 16 MiB`] : []
  }
  // Only now: what starts programs takes 5 ms to load.
  const { readJournal } = await import('./journal-log.js')
  const read = await readJournal(log.source, (lines) => run.readDated(lines))
  if ('failed' in read) throw new CannotRead(`Cannot read the journal: ${read.failed}`)
  const { entriesTooLong } = read
  return entriesTooLong > 0 ? [`passed over ${entriesTooLong} entries without a message, or longer than 64 KiB`] : []
}
