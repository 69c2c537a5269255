import type { ChildOptions, ChildResult } from '../lib/child.js'
import type { LogLines, Lookup, MailScript, MessagePiece } from './mail-script.js'
import type { TextPiece, Word } from './shell-reader.js'
import { type TagLookup, tagText } from './tag-source.js'

/** A mail and the program that takes it on its standard input. */
export interface Mail {
  /** Undefined: any that understands `sendmail -t`. */
  argv: readonly string[] | undefined
  text: string
}

export interface MessageOptions extends TagLookup {
  nowMs: number
  run(argv: readonly string[], options: ChildOptions): Promise<ChildResult>
  signal: AbortSignal
}

/** Asking a registry may take its time; a mail without the answer is better than none. */
const lookupMs = 20_000
/** Of what a program says; the rest is cut. */
const outputBytesMax = 256 * 1024

/** Fills in a mail. Values are put in as they are: no shell, no escape of theirs is read, and none of them ends a header line. */
export async function composeMail(script: MailScript, options: MessageOptions): Promise<Mail> {
  await options.tags?.prepare?.(namedTags(script))
  const { by } = script
  if (by.kind === 'program') {
    const argv = withoutEndOfInput(by.argv.map((word) => wordText(word, options)))
    return { argv, text: await messageText(script.message, false, options) }
  }
  const to = by.to.map((word) => oneLine(wordText(word, options))).join(', ')
  const subject = oneLine(wordText(by.subject, options))
  const body = await messageText(script.message, true, options)
  return { argv: undefined, text: `To: ${to}\nSubject: ${subject}\n\n${body}\n` }
}

/** NOTE: sendmail takes a line with nothing but a dot for the end, and lines of logs are the attacker's; `-i` says not to. */
function withoutEndOfInput(argv: string[]): string[] {
  const [program = '', ...args] = argv
  const isSendmail = /^(?:.*\/)?sendmail$/.test(program)
  return isSendmail && !args.some((arg) => arg === '-i' || arg === '-oi') ? [program, '-i', ...args] : argv
}

async function messageText(pieces: readonly MessagePiece[], isBody: boolean, options: MessageOptions): Promise<string> {
  let text = ''
  let inHeaders = !isBody
  for (const piece of pieces) {
    const value = await pieceText(piece, options)
    // A value may not begin another header; an empty line of the text itself ends them.
    text += inHeaders && !('text' in piece) ? oneLine(value) : value
    if (inHeaders && /\n[ \t]*\n/.test(text)) inHeaders = false
  }
  return text
}

async function pieceText(piece: MessagePiece, options: MessageOptions): Promise<string> {
  if ('text' in piece || 'tag' in piece) return textOf(piece, options)
  if ('date' in piece) return mailDate(options.nowMs)
  return 'lookup' in piece ? lookedUp(piece, options) : logLines(piece, options)
}

async function lookedUp({ lookup, otherwise, isTrimmed }: Lookup, options: MessageOptions): Promise<string> {
  const argv = lookup.map((word) => wordText(word, options))
  // An id that looks like an option would be one.
  const isOption = lookup.some((word, at) => word.some((piece) => 'tag' in piece) && argv[at]?.startsWith('-'))
  if (isOption) return ''
  const { exitCode, stdout } = await ran(argv, options)
  const text = exitCode === 0 ? stdout : stdout + otherwise
  return isTrimmed ? text.replace(/\n+$/, '') : text
}

async function logLines({ grep, word, files, linesMax }: LogLines, options: MessageOptions): Promise<string> {
  const { stdout } = await ran(['grep', ...grep, '-e', wordText(word, options), '--', ...files], options)
  const lines = stdout.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
    .slice(Math.max(0, lines.length - linesMax))
    .map((line) => `${line}\n`)
    .join('')
}

function ran(argv: readonly string[], { run, signal }: MessageOptions): Promise<ChildResult> {
  return run(argv, { timeoutMs: lookupMs, outputBytesMax, signal })
}

function wordText(word: Word, lookup: TagLookup): string {
  // NUL cannot be in an argument.
  return word
    .map((piece) => textOf(piece, lookup))
    .join('')
    .replaceAll('\0', '')
}

function textOf(piece: TextPiece, lookup: TagLookup): string {
  return 'text' in piece ? piece.text : (tagText(piece.tag, lookup) ?? `<${piece.tag}>`)
}

/** All tags of the script, as a text. */
function namedTags({ message, by }: MailScript): string {
  const words = by.kind === 'program' ? by.argv : [by.subject, ...by.to]
  return [...message, ...words.flat()].map((piece) => ('tag' in piece ? `<${piece.tag}>` : '')).join('')
}

function oneLine(text: string): string {
  return text.replace(/[\r\n\0]+/g, ' ')
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Local time: `Sat, 21 Nov 2026 06:46:11 +0000` (RFC 5322 section 3.3). */
export function mailDate(nowMs: number): string {
  const date = new Date(nowMs)
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${days[date.getDay()]}, ${two(date.getDate())} ${months[date.getMonth()]} ${date.getFullYear()}`
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')
  const offset = -date.getTimezoneOffset()
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.trunc(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`
  return `${day} ${time} ${zone}`
}
