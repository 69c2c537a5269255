import { nowhere, type Origin } from '../domain/origin.js'
import type { IniFile, Section } from './ini.js'
import { interpolate } from './interpolate.js'
import { type Traced, traced } from './traced.js'

/** A value as Python's reader has it: text, or what was made of it; undefined is Python's None. */
export type Value = Traced | number | boolean | undefined

/** Arguments and surrounding options that win over the section's own in `%(…)s`. */
export type Variables = ReadonlyMap<string, Value>

const none: Variables = new Map()

/** Several files as one: later files win for each option (spec 1.4). */
export class MergedIni {
  readonly defaults: Section = new Map()
  /** NOTE: also holds the hidden `KNOWN/x`: what the options of x were before the last file that changed them. */
  readonly sections = new Map<string, Section>()
  readonly headers = new Map<string, Origin>()

  add(file: IniFile): void {
    for (const [name, value] of file.defaults) this.defaults.set(name, value)
    for (const [written, options] of file.sections) this.#addSection(written, options)
    for (const [name, origin] of file.headers) if (!this.headers.has(name)) this.headers.set(name, origin)
  }

  #addSection(written: string, options: Section): void {
    // [Init?family=inet6] is kept in [Init], with the condition at each name.
    const conditional = /^([\p{L}\p{N}_]+)(\?.+)$/u.exec(written)
    const name = conditional?.[1] ?? written
    const suffix = conditional?.[2] ?? ''
    const before = this.sections.get(name)
    const section = before ?? new Map<string, Traced>()
    const known = new Map<string, Traced>()
    for (const option of options.keys()) {
      const old = section.get(option + suffix)
      if (old) known.set(option + suffix, old)
    }
    if (before) this.mergeInto(`KNOWN/${name}`, known)
    for (const [option, value] of options) section.set(option + suffix, value)
    this.sections.set(name, section)
  }

  mergeInto(name: string, options: Section): void {
    const section = this.sections.get(name) ?? new Map<string, Traced>()
    for (const [option, value] of options) section.set(option, value)
    this.sections.set(name, section)
  }

  /** Names of real sections, in file order. */
  sectionNames(): string[] {
    return [...this.sections.keys()].filter((name) => !name.startsWith('KNOWN/'))
  }

  /** The value as written; undefined when there is none. */
  raw(section: string, option: string): Traced | undefined {
    const name = option.toLowerCase()
    if (section !== 'DEFAULT' && !this.sections.has(section)) return undefined
    return this.sections.get(section)?.get(name) ?? this.defaults.get(name)
  }

  /** The value with every `%(…)s` replaced; undefined when there is none. Throws ConfigError. */
  get(section: string, option: string, variables: Variables = none): Traced | undefined {
    const own = this.raw(section, option)
    if (own === undefined && section !== 'DEFAULT' && !this.sections.has(section)) return undefined
    const variable = variables.get(option.toLowerCase())
    const value = variable === undefined ? own : tracedOf(variable, nowhere)
    if (value === undefined) return undefined
    const place = { section, option: option.toLowerCase(), raw: (own ?? value).text }
    return interpolate(value, {
      ...place,
      find: (name) => this.#find(section, name, variables),
      names: () => [...variables.keys(), ...(this.sections.get(section)?.keys() ?? []), ...this.defaults.keys()],
    })
  }

  /** `option` may be `sec/opt`, `known/opt` or `default/opt`; the form tags use (spec 1.6). */
  getAnywhere(section: string, option: string, variables: Variables): Traced | undefined {
    const [, area, name] = /^([\p{L}\p{N}_-]+)\/([^\s>]+)$/u.exec(option) ?? []
    if (area !== undefined && name !== undefined) {
      for (const from of this.#areas(section, area)) {
        const value = this.get(from, name)
        if (value !== undefined) return value
      }
    }
    return this.get(section, option, variables)
  }

  #areas(section: string, area: string): string[] {
    if (area.toLowerCase() === 'known') return [`KNOWN/${section}`, section]
    return area.toLowerCase() === 'default' ? ['DEFAULT'] : [area]
  }

  #find(section: string, written: string, variables: Variables): Traced | undefined {
    const name = written.toLowerCase()
    if (name === '__name__') return traced(section, this.headers.get(section) ?? nowhere)
    const variable = variables.get(name)
    if (variable !== undefined) return tracedOf(variable, nowhere)
    const plain = this.sections.get(section)?.get(name) ?? this.defaults.get(name)
    if (plain !== undefined) return plain
    // NOTE: Python looks for the name in lower case and stores sec/opt as written: a capital letter is never found.
    const [, area, option] = name === written ? (/^([\p{L}\p{N}_-]+)\/(.+)$/su.exec(name) ?? []) : []
    return area === undefined || option === undefined ? undefined : this.#elsewhere(section, area, option)
  }

  #elsewhere(section: string, area: string, option: string): Traced | undefined {
    if (area === 'default') return this.defaults.get(option)
    const from = this.sections.get(area === 'known' ? `KNOWN/${section}` : area)
    if (from === undefined && area !== 'known') return undefined
    return from?.get(option) ?? this.defaults.get(option)
  }
}

/** As text; None is empty. */
export function tracedOf(value: Value, origin: Origin): Traced {
  if (typeof value === 'object') return value
  if (typeof value === 'boolean') return traced(value ? 'True' : 'False', origin)
  return traced(value === undefined ? '' : String(value), origin)
}
