import { type RegexFlags, regex } from '../commands/regex.js'
import type { Context } from '../context.js'
import type { ShownLine } from './account.js'
import { fail2banRegex } from './fail2ban-regex.js'

/** `fail2ban-regex` in this process: what it printed, and its exit code. */
export async function runFail2banRegex(...argv: string[]): Promise<{ out: string; err: string; code: number }> {
  const out: string[] = []
  const err: string[] = []
  const streams = {
    stdout: { write: (text: string) => void out.push(text) },
    stderr: { write: (text: string) => void err.push(text) },
  }
  const code = await fail2banRegex(argv, streams)
  return { out: out.join(''), err: err.join(''), code }
}

/** `tocsin regex` in this process: all that it printed. */
export async function runRegex(words: string[], flags: RegexFlags = {}): Promise<string> {
  const out: string[] = []
  const stdout = { write: (text: string) => void out.push(text) }
  const context: Context = { process: { stdout, stderr: stdout } }
  await regex.call(context, flags, ...words)
  return out.join('')
}

/** The named parts of a line that was shown, and their texts. */
export const partsOf = ({ line, spans }: ShownLine): [name: string, text: string][] =>
  spans.map(({ name, start, end }) => [name, line.slice(start, end)])
