import type { Origin } from '../domain/origin.js'
import { type MergedIni, tracedOf, type Value } from './merged-ini.js'
import { substituteTags } from './tags.js'
import type { Traced } from './traced.js'
import { converted, type Options, readOptions, type Say, type Template, variablesOf } from './typed-options.js'

const conditional = /^([\p{L}\p{N}_]+)(\?.+)$/u

/**
 * A filter or action file for one jail: `[Definition]`, `[Init]`, and the arguments the jail gives (spec 1.6). NOTE: a
 * filter is evaluated twice (for `%(known/…)s` in the jail, then with the jail's options), and the second time the
 * values of `[Init]` count as arguments; Fail2ban does the same, and configurations depend on it.
 */
export class DefinitionFile {
  /** Arguments in the order given, then the options of `[Init]`, each also as `known/…`. */
  readonly init: Map<string, Value>
  readonly ini: MergedIni
  /** What the last `combined` could not convert to its type. */
  notConverted: { name: string; text: Traced }[] = []
  readonly #template: Template
  readonly #ownTemplate: Template
  readonly #say: Say
  readonly #origin: Origin
  #own: Options = new Map()
  #variables = new Map<string, Value>()
  readonly #lookedUp = new Map<string, Traced | undefined>()

  /** `ownTemplate`: options that Fail2ban does not read, so nothing is said of them. */
  constructor(parts: {
    ini: MergedIni
    template: Template
    ownTemplate?: Template
    args: Map<string, Value>
    say: Say
    origin: Origin
  }) {
    this.ini = parts.ini
    this.init = parts.args
    this.#template = parts.template
    this.#ownTemplate = parts.ownTemplate ?? []
    this.#say = parts.say
    this.#origin = parts.origin
  }

  /** Throws ConfigError from interpolation. With `all`, every option of `[Definition]` is kept, not only the known ones. */
  evaluate(jailOptions: ReadonlyMap<string, Value>, all = false): void {
    this.#variables = new Map([...jailOptions, ...this.init])
    const reading = { say: this.#say, variables: lowerCased(this.#variables), convert: false }
    const ours = readOptions(this.ini, 'Definition', this.#ownTemplate, { ...reading, say: () => {} })
    this.#own = new Map([...readOptions(this.ini, 'Definition', this.#template, reading), ...ours])
    this.#readInit()
    if (!all) return
    for (const name of this.ini.sections.get('Definition')?.keys() ?? []) {
      if (this.#own.has(name)) continue
      const written = this.ini.get('Definition', name)
      this.#own.set(name, { value: written, ...(written && { written }) })
    }
  }

  /** Everything after tags and conversion, by name. Throws ConfigError for tags in a circle. */
  combined(keep: Iterable<string> = []): Map<string, Value> {
    const values = new Map([...variablesOf(this.#own), ...this.init])
    const kept = new Set(keep)
    for (const name of values.keys()) {
      const base = conditional.exec(name)?.[1]
      if (base !== undefined) kept.add(base)
    }
    const texts = new Map<string, Traced>()
    for (const [name, value] of values) if (value !== undefined) texts.set(name, tracedOf(value, this.#origin))
    const replaced = substituteTags(texts, { keep: kept, lookUp: (tag) => this.#lookUp(tag) })
    const result = new Map<string, Value>([...values.keys()].map((name) => [name, replaced.get(name)]))
    this.notConverted = []
    for (const [type, name] of this.#template) {
      const text = replaced.get(name)
      if (text === undefined || type === 'text') continue
      const value = converted(type, text)
      if (value === undefined) {
        this.notConverted.push({ name, text })
        this.#say('WARNING', 'configreader', `Wrong int value '${text.text}' for '${name}'. Using default one: None`)
      }
      result.set(name, value)
    }
    return result
  }

  #readInit(): void {
    for (const name of this.ini.sections.get('Init')?.keys() ?? []) {
      const own = this.ini.get('Init', name)
      if (!name.startsWith('known/')) this.init.set(`known/${name}`, own)
      if (this.init.has(name)) continue
      // Since 1.1 an argument also replaces the variants of the option for one family (spec 1.7).
      const base = conditional.exec(name)?.[1]
      this.init.set(name, (base === undefined ? undefined : this.#variables.get(base)) ?? own)
    }
  }

  #lookUp(tag: string): Traced | undefined {
    if (!this.#lookedUp.has(tag)) {
      this.#lookedUp.set(tag, this.ini.getAnywhere('Definition', tag, lowerCased(this.#variables)))
    }
    return this.#lookedUp.get(tag)
  }
}

/** The parser lower-cases names it is given; tags of arguments keep theirs. */
function lowerCased(values: ReadonlyMap<string, Value>): Map<string, Value> {
  return new Map([...values].map(([name, value]) => [name.toLowerCase(), value]))
}
