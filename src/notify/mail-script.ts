import { ShellReader, type TextPiece, textPieces, type Word } from './shell-reader.js'

/** A part of a message. */
export type MessagePiece =
  | TextPiece
  /** The time, as a mail's `Date` has it. */
  | { date: true }
  | Lookup
  | LogLines

/** What a program says of somebody (whois), and `otherwise` when it fails or is missing. `isTrimmed`: without its last line ends. */
export interface Lookup {
  lookup: readonly Word[]
  otherwise: string
  isTrimmed: boolean
}

/** The last lines in these files that have the word. */
export interface LogLines {
  /** Options of grep. */
  grep: readonly string[]
  word: Word
  files: readonly string[]
  linesMax: number
}

/** A command of an action that does nothing but send a mail. */
export interface MailScript {
  /** With its headers on top, unless `mail` makes them of `subject` and `to`. */
  message: readonly MessagePiece[]
  by: { kind: 'program'; argv: readonly Word[] } | { kind: 'mail'; subject: Word; to: readonly Word[] }
}

/**
 * Reads a shell command of the form `printf %b "…" | sendmail …`, with whois and grep between, as the stock actions have it (spec 6.8).
 * What it says is kept, also where an operator has rewritten it. Undefined: it does anything else, and is left to a shell.
 */
export function parseMailScript(text: string): MailScript | undefined {
  const reader = new ShellReader(text)
  reader.skipLines()
  const message = printed(reader) ?? group(reader)
  reader.skipBlanks()
  if (message === undefined || !reader.take(/\|(?![|&])/y)) return undefined
  reader.skipLines()
  const words = readWords(reader)
  reader.skipLines()
  const by = mailer(words)
  return by !== undefined && reader.isAtEnd ? { message, by } : undefined
}

function printed(reader: ShellReader): MessagePiece[] | undefined {
  if (!reader.take(/printf[ \t]+%b[ \t]+(?=")/y)) return undefined
  const pieces = reader.doubleQuoted(substituted)
  if (pieces === undefined) return undefined
  const message: MessagePiece[] = []
  for (const piece of pieces) {
    if ('raw' in piece) {
      const text = unescaped(piece.raw)
      if (text === undefined) return undefined
      message.push(...textPieces(text))
    } else message.push(piece)
  }
  return message
}

/** Commands in brackets, whose outputs are one message. */
function group(reader: ShellReader): MessagePiece[] | undefined {
  if (!reader.take(/\(/y)) return undefined
  const message: MessagePiece[] = []
  for (;;) {
    reader.skipLines()
    if (reader.take(/\)/y)) return message
    const pieces = printed(reader) ?? single(lookup(reader, false)) ?? single(linesOfLogs(reader))
    reader.skipBlanks()
    if (pieces === undefined || !reader.take(/;|\n|(?=\))/y)) return undefined
    message.push(...pieces)
  }
}

/** What stands in backticks. */
function substituted(command: string): MessagePiece | undefined {
  if (/^\s*(?:LC_ALL=C )?date \+"%a, %d %[bh] %Y %(?:T|H:%M:%S) %z"\s*$/.test(command)) return { date: true }
  const reader = new ShellReader(command)
  reader.skipLines()
  const piece = lookup(reader, true)
  reader.skipLines()
  return reader.isAtEnd ? piece : undefined
}

/** `whois <ip> || echo "missing whois program"` */
function lookup(reader: ShellReader, isTrimmed: boolean): MessagePiece | undefined {
  const command = reader.take(/whois(?=[ \t])/y)
  if (!command) return undefined
  const args = readWords(reader)
  reader.skipBlanks()
  if (!reader.take(/\|\|[ \t]*echo[ \t]+/y)) return undefined
  const otherwise = reader.word()
  const text = otherwise?.map((piece) => ('text' in piece ? piece.text : '')).join('')
  return text === undefined ? undefined : { lookup: [textPieces('whois'), ...args], otherwise: `${text}\n`, isTrimmed }
}

/** `logpath="…"; grep -m 1000 -wF "<ip>" $logpath | tail -n 1000`, for files without a pattern in their names. */
function linesOfLogs(reader: ShellReader): MessagePiece | undefined {
  const files = reader.take(/logpath="([^"`$\\*?[\]~<>]*)";[ \t]*grep(?=[ \t])/y)?.[1]
  if (files === undefined) return undefined
  const options = reader.take(/(?:[ \t]+(?:-m[ \t]*\d+|-[a-zA-Z]+))*(?=[ \t])/y)?.[0] ?? ''
  const word = reader.word()
  const linesMax = Number(reader.take(/[ \t]+\$logpath[ \t]*\|[ \t]*tail[ \t]+-n[ \t]+(\d+)/y)?.[1])
  if (word === undefined || !Number.isSafeInteger(linesMax)) return undefined
  return { grep: wordsOf(options), word, files: wordsOf(files), linesMax }
}

/** The sending command: `mail` with subject and recipients, or any program that reads a whole message. */
function mailer(words: readonly Word[]): MailScript['by'] | undefined {
  const [program, ...args] = words
  const name = program?.map((piece) => ('text' in piece ? piece.text : '<')).join('')
  if (name === undefined || name === '' || name.includes('<')) return undefined
  if (!/^(?:.*\/)?(?:mail|mailx|Mail)$/.test(name)) return { kind: 'program', argv: words }
  let subject: Word = []
  const to: Word[] = []
  for (let at = 0; at < args.length; at++) {
    const option = plainText(args[at])
    if (option === '-s') subject = args[++at] ?? []
    // A command for the program itself, which is not run.
    else if (option === '-E') at++
    else if (option?.startsWith('-')) return undefined
    else to.push(args[at] ?? [])
  }
  return to.length > 0 ? { kind: 'mail', subject, to } : undefined
}

function readWords(reader: ShellReader): Word[] {
  const words: Word[] = []
  for (let word = reader.word(); word !== undefined; word = reader.word()) words.push(word)
  return words
}

function plainText(word: Word | undefined): string | undefined {
  const [piece, ...more] = word ?? []
  return piece !== undefined && 'text' in piece && more.length === 0 ? piece.text : undefined
}

function single(piece: MessagePiece | undefined): MessagePiece[] | undefined {
  return piece && [piece]
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}

const escapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
}

/** As `printf %b` prints it (POSIX). Undefined for escapes that shells read differently, or that end the output. */
function unescaped(text: string): string | undefined {
  let isOdd = false
  const plain = text.replace(
    /\\(?:0([01]?[0-7]{0,2})|([abfnrtv\\])|([a-zA-Z0-9]?))/g,
    (whole, octal, letter, other) => {
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal || '0', 8))
      if (letter !== undefined) return escapes[letter] ?? whole
      if (other !== '') isOdd = true
      return whole
    },
  )
  return isOdd ? undefined : plain
}
