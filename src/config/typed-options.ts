import type { LogLevel } from '../lib/log.js'
import { reprText } from '../lib/python-text.js'
import { ConfigError } from './config-error.js'
import type { MergedIni, Value, Variables } from './merged-ini.js'
import type { Traced } from './traced.js'
import { asBool, asInt } from './value.js'

/** What Fail2ban's client would write to its log while reading; `module` is the logger's name. */
export type Say = (level: LogLevel, module: string, text: string) => void

/** Which options are read, of which type, and what they are when they are missing (undefined: not there at all). */
export type Template = readonly (readonly [type: 'text' | 'flag' | 'int', name: string, byDefault?: string | boolean])[]

export interface Option {
  /** Undefined is Python's None: written, but not of its type. */
  value: Value
  /** The text before conversion; missing for a default. */
  written?: Traced
}

export type Options = Map<string, Option>

export interface OptionReading {
  say: Say
  variables?: Variables
  convert?: boolean
  /** Told of a value that cannot be interpolated; the option then counts as missing. Without it the error is thrown. */
  fault?: (error: ConfigError) => void
}

/** Reads the options that are not already among `variables` (spec 1.9). */
export function readOptions(ini: MergedIni, section: string, template: Template, reading: OptionReading): Options {
  const options: Options = new Map()
  for (const [type, name, byDefault] of template) {
    if (reading.variables?.has(name)) continue
    const written = writtenValue(ini, section, name, reading)
    const option = written
      ? typedOption(section, { type, name, byDefault, written }, reading)
      : defaultOption(ini.sections.has(section), section, { name, byDefault }, reading)
    if (option) options.set(name, option)
  }
  return options
}

function writtenValue(ini: MergedIni, section: string, name: string, reading: OptionReading): Traced | undefined {
  try {
    return ini.get(section, name, reading.variables)
  } catch (error) {
    if (!(error instanceof ConfigError) || reading.fault === undefined) throw error
    reading.fault(error)
    return undefined
  }
}

type Default = string | boolean | undefined

function typedOption(
  section: string,
  option: { type: Template[number][0]; name: string; byDefault: Default; written: Traced },
  { say, convert }: OptionReading,
): Option {
  const { type, name, byDefault, written } = option
  const value = convert === false ? written : converted(type, written)
  if (value === undefined) {
    const text = `Wrong value for '${name}' in '${section}'. Using default one: '${reprDefault(byDefault)}'`
    say('WARNING', 'configreader', text)
  }
  return { value, written }
}

function defaultOption(
  hasSection: boolean,
  section: string,
  { name, byDefault }: { name: string; byDefault: Default },
  { say }: OptionReading,
): Option | undefined {
  if (!hasSection) say('ERROR', 'configreader', `No section: ${reprText(section)}`)
  else if (byDefault === undefined) return undefined
  else {
    const text = `${reprText(name)} not defined in ${reprText(section)}. Using default one: ${reprDefault(byDefault)}`
    say('WARNING', 'configreader', text)
  }
  return { value: defaultValue(byDefault) }
}

/** Undefined when the text is not of the type. */
export function converted(type: Template[number][0], text: Traced): Value {
  if (type === 'flag') return asBool(text.text)
  return type === 'int' ? asInt(text.text) : text
}

export function variablesOf(options: Options): Map<string, Value> {
  return new Map([...options].map(([name, option]) => [name, option.value]))
}

function defaultValue(byDefault: Default): Value {
  return typeof byDefault === 'string' ? { text: byDefault, marks: [] } : byDefault
}

function reprDefault(value: Default): string {
  if (value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return reprText(value)
}
