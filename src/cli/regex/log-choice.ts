import { statSync } from 'node:fs'
import { parseOptionList } from '../../config/option-list.js'
import { messageOf } from '../../lib/error-message.js'
import { type JournalSource, journalProblems } from '../../source/journal-command.js'
import { shortened } from './filter-choice.js'
import { type LogOptions, type LogText, readLog } from './log-lines.js'
import type { Subject } from './subject.js'

/** What is to be tested: text, piece by piece, or the journal. */
export type Log = { kind: 'text'; text: LogText } | { kind: 'journal'; source: JournalSource }

export type OpenedLog = { sayings: string[]; log: Log } | { failed: string }

/** What the first word stands for (spec section 11.1): a file that exists, the journal, or the line itself. `sayings` are what Fail2ban's tool says of it. */
export function openLog(word: string, { filter, journalmatch }: Subject, options: LogOptions): OpenedLog {
  if (isFile(word)) {
    try {
      const text = readLog(word, options)
      const sayings = [`Use         log file : ${word}`, `Use         encoding : ${options.encoding}`]
      return { sayings, log: { kind: 'text', text } }
    } catch (error) {
      return { failed: messageOf(error) }
    }
  }
  if (word.startsWith('systemd-journal')) return journal(word, journalmatch, options.encoding)
  const lines = word.split('\n')
  const log: Log = { kind: 'text', text: { pieces: [{ text: word, bytes: undefined }], linesTooLong: 0 } }
  if (filter.maxlines <= 1 && lines.length === 1) return { sayings: [`Use      single line : ${shortened(word)}`], log }
  const shown = lines.slice(0, 5).map((line, i) => `|  ${i + 1}: ${shortened(line)}`)
  const more = lines.length > 5 ? ['| ...'] : []
  return { sayings: [`Use      multi line : ${lines.length} line(s)`, ...shown, ...more, '`-'], log }
}

/** A word that cannot be a path, for it is too long or has a NUL in it, is none. */
function isFile(word: string): boolean {
  try {
    return statSync(word, { throwIfNoEntry: false })?.isFile() === true
  } catch {
    return false
  }
}

function journal(word: string, matches: Subject['journalmatch'], encoding: string): OpenedLog {
  const list = parseOptionList(word)
  if ('wrong' in list || list.name !== 'systemd-journal')
    return { failed: `ERROR: ${word}: write systemd-journal, or systemd-journal[journalflags=1] with options` }
  const source: JournalSource = { matches, options: Object.fromEntries(list.options) }
  const [problem] = journalProblems(source)
  if (problem !== undefined) return { failed: `ERROR: ${problem}` }
  const match = matches.map((line) => line.join(' ')).join(' + ')
  const sayings = ['Use         systemd journal', `Use         encoding : ${encoding}`]
  return {
    sayings: match === '' ? sayings : [...sayings, `Use    journal match : ${match}`],
    log: { kind: 'journal', source },
  }
}
