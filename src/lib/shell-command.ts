import { repr } from './python-repr.js'
import { tagPattern } from './tag.js'

/** A shell text, and the values that go beside it as `$0`, `$1`, … */
export interface ShellCommand {
  script: string
  values: readonly string[]
}

/** What fills the tags of one command. */
export interface TagValues {
  value(tag: string): string | undefined
  /** The value of a ticket's field, by its name in lower case (`<F-USER>`: `user`). */
  field(name: string): string | undefined
}

/**
 * Puts values of a ban into a shell text, as Fail2ban does (spec 6.3): what the shell could understand becomes a variable whose value is
 * a positional argument, so no text of an attacker is ever code; anything else is inserted as it is. Not recursive. `<F-X>` without a
 * value is empty, other unknown tags stay.
 */
export function shellCommand(text: string, tags: TagValues): ShellCommand {
  const command = filled(text, tags, Number.POSITIVE_INFINITY)
  // One argument of execve(2) may be 128 KiB long (MAX_ARG_STRLEN), and the script is one: long values go beside it then.
  return Buffer.byteLength(command.script) <= argumentBytesMax ? command : filled(text, tags, inlineLengthMax)
}

/** For execve(2). */
export function argvOf({ script, values }: ShellCommand): string[] {
  return ['/bin/sh', '-c', script, ...values]
}

/** As Fail2ban writes it into the log, and the same for the same command. */
export function printed({ script, values }: ShellCommand): string {
  return values.length === 0 ? script : repr([script, ...values])
}

/** Names of the ticket's fields that these texts want. */
export function fieldsOf(texts: readonly string[]): Set<string> {
  const all = texts.join(' ')
  const names = [...all.matchAll(fieldPattern)].map(([, tag = '']) => fieldName(tag))
  return new Set(all.includes('<failures>') ? [...names, 'failures'] : names)
}

const argumentBytesMax = 120_000
const inlineLengthMax = 256

/** A value with one of these is handed over as a variable. */
const special = /[\\#&;`|*?~<>^()[\]{}$'"\n\r]/
const fieldPattern = /<F-([A-Z0-9_-]+)>/g
/** Fields with another name in the ticket. */
const fieldNames: Readonly<Record<string, string>> = { id: 'fid', port: 'fport' }

function filled(text: string, tags: TagValues, inlineMax: number): ShellCommand {
  const variables = new Map<string, string>()
  const put = (name: string, given: string): string => {
    const value = short(given.replaceAll('\0', '')) // NUL cannot be in an argument
    if (!special.test(value) && value.length <= inlineMax) return value
    let variable = `f2bV_${name.replace(/\W/g, '_')}`
    // NOTE: <F-A_B> and <F-A-B> have one variable name in Fail2ban, and one of the two values is lost.
    while ((variables.get(variable) ?? value) !== value) variable += '_'
    variables.set(variable, value)
    return `$${variable}`
  }
  const general = text.replace(tagPattern, (whole, tag: string) => {
    const value = tags.value(tag)
    return value === undefined ? whole : put(tag, value)
  })
  const script = general.replace(fieldPattern, (_, tag: string) => {
    const name = fieldName(tag)
    return put(`F_${name}`, tags.field(name) ?? '')
  })
  if (variables.size === 0) return { script, values: [] }
  // NOTE: $0 is the first argument behind the script; $10 would be $1 and a nought (Fail2ban's mistake).
  const bindings = [...variables.keys()].map((name, at) => `${name}=${at < 10 ? `$${at}` : `\${${at}}`} `).join('')
  return { script: `${bindings}\n${script}`, values: [...variables.values()] }
}

function fieldName(tag: string): string {
  const lower = tag.toLowerCase()
  return fieldNames[lower] ?? lower
}

/** A value too long for an argument loses its begin: lines come oldest first. Without this a long line would prevent its sender's ban. */
function short(value: string): string {
  if (value.length * 3 <= argumentBytesMax) return value
  const bytes = Buffer.from(value)
  if (bytes.length <= argumentBytesMax) return value
  let start = bytes.length - argumentBytesMax
  while (((bytes[start] ?? 0) & 0xc0) === 0x80) start++
  return bytes.subarray(start).toString()
}
