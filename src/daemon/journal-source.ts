import { shellWords } from '../config/shell-words.js'
import { type JournalSource, journalProblems } from '../source/journal-command.js'
import type { SourceSpec } from '../source/source-spec.js'

/** What the journal is asked for: each `journalmatch` in words, as a shell splits it. The configuration has refused open quotes. */
export function journalSource({ matches, options }: Extract<SourceSpec, { kind: 'journal' }>): JournalSource {
  return { matches: matches.map((line) => shellWords(line) ?? []), options }
}

/** A sentence for everything that keeps the source from being read. */
export function sourceProblems(source: SourceSpec): string[] {
  return source.kind === 'journal' ? journalProblems(journalSource(source)) : []
}
