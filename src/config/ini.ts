import type { Origin } from '../domain/origin.js'
import { indentOf, isSpace, reprText, strip, stripEnd } from '../lib/python-text.js'
import { ConfigError } from './config-error.js'
import type { Mark, Traced } from './traced.js'

/** Options of one section by lower-case name, in the order in which they were first written. */
export type Section = Map<string, Traced>

/** One file as written, before interpolation. */
export interface IniFile {
  file: string
  /** `[DEFAULT]`. */
  defaults: Section
  sections: Map<string, Section>
  /** Where each section's header stands. */
  headers: Map<string, Origin>
}

/** Lines of one file. 100,000 lines are some 5 MB: a file beyond is no configuration, and is refused as a whole. */
const linesMax = 100_000

/**
 * Reads the dialect of Python's ConfigParser with `;` as inline comment (spec 1.2). Every error of the file is found;
 * the first is what Fail2ban would say.
 */
export function parseIni(text: string, file: string): { ini: IniFile; errors: ConfigError[] } {
  const reader = new IniReader(file)
  // NOTE: text from a file knows three line ends in Python ("universal newlines"), and only these.
  const lines = text.split(/\r\n|\r|\n/)
  const endsLine = lines.at(-1) === ''
  if (endsLine) lines.pop()
  if (lines.length > linesMax) reader.refuse(`Cannot read ${file}: more than ${linesMax} lines`)
  else for (const [at, line] of lines.entries()) reader.take(line, at + 1, at + 1 < lines.length || endsLine)
  return reader.end()
}

interface OpenOption {
  name: string
  lines: { text: string; line: number }[]
  into: Section
}

/** States: before any header (`#section` undefined), inside a section, inside an option whose value may continue. */
class IniReader {
  readonly #ini: IniFile
  readonly #errors: ConfigError[] = []
  readonly #bogus: { line: number; text: string }[] = []
  readonly #seen = new Map<string, number>()
  #section: { name: string; options: Section } | undefined
  #option: OpenOption | undefined
  #indent = 0

  constructor(file: string) {
    this.#ini = { file, defaults: new Map(), sections: new Map(), headers: new Map() }
  }

  refuse(message: string): void {
    this.#errors.push(new ConfigError(message, { origin: this.#at(0) }))
  }

  take(line: string, number: number, ended: boolean): void {
    const comment = commentStart(line)
    const value = strip(comment === undefined ? line : line.slice(0, comment))
    if (value === '') {
      // A blank line belongs to the value when more of it follows; a comment line does not.
      if (comment === undefined) this.#option?.lines.push({ text: '', line: number })
      return
    }
    const indent = indentOf(line)
    if (this.#option !== undefined && indent > this.#indent) {
      this.#option.lines.push({ text: value, line: number })
      return
    }
    this.#indent = indent
    const header = /^\[(.+)\]/s.exec(value)?.[1]
    if (header !== undefined) this.#openSection(header, number)
    else this.#openOption(value, number, ended ? `${line}\n` : line)
  }

  end(): { ini: IniFile; errors: ConfigError[] } {
    this.#closeOption()
    if (this.#bogus.length > 0) this.#errors.push(this.#bogusLines())
    return { ini: this.#ini, errors: this.#errors }
  }

  #openSection(name: string, line: number): void {
    this.#closeOption()
    const { sections, headers, defaults } = this.#ini
    const before = headers.get(name)
    if (name === 'DEFAULT') {
      this.#section = { name, options: defaults }
      return
    }
    if (before) this.#duplicate(`section ${reprText(name)}`, line, before.line)
    else headers.set(name, this.#at(line))
    const options = sections.get(name) ?? new Map<string, Traced>()
    sections.set(name, options)
    this.#section = { name, options }
  }

  #openOption(value: string, line: number, raw: string): void {
    if (this.#section === undefined) {
      this.#headless(line, raw)
      return
    }
    const split = /^(.*?)[=:](.*)$/s.exec(value)
    const name = stripEnd(split?.[1] ?? '').toLowerCase()
    if (name === '') this.#bogus.push({ line, text: raw })
    // NOTE: such a line does not end the option before it: lines that are indented deeper still continue that one.
    if (split === null) return
    this.#closeOption()
    const key = `${this.#section.name}\n${name}`
    const before = this.#seen.get(key)
    if (before !== undefined) {
      this.#duplicate(`option ${reprText(name)} in section ${reprText(this.#section.name)}`, line, before)
    }
    this.#seen.set(key, line)
    if (name === '') return
    this.#option = { name, lines: [{ text: strip(split[2] ?? ''), line }], into: this.#section.options }
  }

  #closeOption(): void {
    if (this.#option === undefined) return
    const { name, lines, into } = this.#option
    into.set(name, textOfLines(lines, this.#ini.file))
    this.#option = undefined
  }

  #headless(line: number, raw: string): void {
    const peerText = `File contains no section headers.\nfile: ${reprText(this.#ini.file)}, line: ${line}\n${reprText(raw)}`
    const bom = raw.startsWith('\ufeff')
    if (!this.#errors.some((error) => error.peerText.startsWith('File contains no'))) {
      const what = bom
        ? 'starts with a byte order mark'
        : `has text before its first [section]: ${reprText(raw.trim())}`
      const hint = bom ? 'save the file as UTF-8 without BOM' : 'start the file with a header such as [DEFAULT]'
      this.#errors.push(new ConfigError(`${this.#ini.file} ${what}`, { origin: this.#at(line), hint, peerText }))
    }
  }

  #duplicate(what: string, line: number, before: number): void {
    this.#errors.push(
      new ConfigError(`${what} already exists (line ${before})`, {
        origin: this.#at(line),
        hint: 'remove one of the two',
        peerText: `While reading from ${reprText(this.#ini.file)} [line ${String(line).padStart(2)}]: ${what} already exists`,
      }),
    )
  }

  /** One error for all lines without a delimiter, as Python reports them. */
  #bogusLines(): ConfigError {
    const list = this.#bogus.map(({ line, text }) => `\n\t[line ${String(line).padStart(2)}]: ${reprText(text)}`)
    const first = this.#bogus[0]
    const more = this.#bogus.length > 1 ? ` (and ${this.#bogus.length - 1} more like it)` : ''
    return new ConfigError(`${reprText(strip(first?.text ?? ''))} is neither a section nor "name = value"${more}`, {
      origin: this.#at(first?.line ?? 0),
      hint: 'a line that continues a value must be indented',
      peerText: `Source contains parsing errors: ${reprText(this.#ini.file)}${list.join('')}`,
    })
  }

  #at(line: number): Origin {
    return { file: this.#ini.file, line }
  }
}

/** Where the comment of a line starts: at a first `#` or `;`, or at a `;` behind a blank. */
function commentStart(line: string): number | undefined {
  const first = line.charAt(indentOf(line))
  if (first === '#' || first === ';') return 0
  for (let at = line.indexOf(';'); at >= 0; at = line.indexOf(';', at + 1)) {
    if (at === 0 || isSpace(line.charAt(at - 1))) return at
  }
  return undefined
}

function textOfLines(lines: readonly { text: string; line: number }[], file: string): Traced {
  const text = stripEnd(lines.map((line) => line.text).join('\n'))
  const marks: Mark[] = []
  let from = 0
  for (const { text: piece, line } of lines) {
    if (marks.length === 0 || from < text.length) marks.push({ from, origin: { file, line } })
    from += piece.length + 1
  }
  return { text, marks }
}
