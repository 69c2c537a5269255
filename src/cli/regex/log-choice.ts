import { statSync } from 'node:fs'
import { shortened } from './filter-choice.js'
import { type LogOptions, type LogText, readLog } from './log-lines.js'

export type OpenedLog = { sayings: string[]; log: LogText } | { failed: string }

/** What the first word stands for (spec section 11.1): a file that exists, the journal, or the line itself. `sayings` are what Fail2ban's tool says of it. */
export function openLog(word: string, maxlines: number, options: LogOptions): OpenedLog {
  if (statSync(word, { throwIfNoEntry: false })?.isFile()) {
    try {
      const log = readLog(word, options)
      return { sayings: [`Use         log file : ${word}`, `Use         encoding : ${options.encoding}`], log }
    } catch (error) {
      return { failed: error instanceof Error ? error.message : String(error) }
    }
  }
  if (word.startsWith('systemd-journal'))
    return { failed: 'ERROR: the systemd journal cannot be read yet; give a file, for example of journalctl -o short' }
  const lines = word.split('\n')
  const log: LogText = { pieces: [word], linesTooLong: 0 }
  if (maxlines <= 1 && lines.length === 1) return { sayings: [`Use      single line : ${shortened(word)}`], log }
  const shown = lines.slice(0, 5).map((line, i) => `|  ${i + 1}: ${shortened(line)}`)
  const more = lines.length > 5 ? ['| ...'] : []
  return { sayings: [`Use      multi line : ${lines.length} line(s)`, ...shown, ...more, '`-'], log }
}
