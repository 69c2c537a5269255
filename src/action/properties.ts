import type { OwnHostNames } from './own-host-names.js'
import { conditional, fillRepeatedly, hostileTags, substituteProperties } from './recursive-tags.js'

/** Which variant of a conditional command: by the address of a ban; `raw` for a ban of no address, empty for actions without variants. */
export type Family = 'inet4' | 'inet6' | 'raw' | ''

type Value = string | number | boolean

/** Seconds that a command may take. */
const timeoutSUsual = 60

/** Properties that every action has, with what they are when nobody sets them (spec 2.4). */
const defaults: readonly (readonly [string, Value])[] = [
  ...['ban', 'check', 'flush', 'reban', 'reload', 'repair', 'start', 'stop', 'unban'].map(
    (name) => [`action${name}`, ''] as const,
  ),
  ['timeout', timeoutSUsual],
]

export interface PropertiesOptions {
  hostNames: OwnHostNames
  /** Reads a Fail2ban time, in milliseconds; undefined for what is none. */
  durationMs(text: string): number | undefined
  /** A property that cannot be taken as it stands. */
  warn(sentence: string): void
}

/** The properties of one action, and the texts of its commands once all of its own tags are replaced (the static part of spec 6.3). */
export class Properties {
  readonly #options: PropertiesOptions
  readonly #values = new Map<string, Value>()
  /** Texts and resolved properties by family: replacing is done once, not for every ban. */
  readonly #texts = new Map<string, string>()
  readonly #resolved = new Map<Family, ReadonlyMap<string, string>>()
  #revision = 0

  constructor(options: PropertiesOptions) {
    this.#options = options
    this.replace([])
  }

  /** Counts changes, for those who keep something that was made from properties. */
  get revision(): number {
    return this.#revision
  }

  /** These and the defaults, nothing else. */
  replace(given: readonly (readonly [string, Value])[]): void {
    this.#values.clear()
    for (const [name, value] of [...defaults, ...given]) this.#set(name, value)
    this.#changed()
  }

  /** `bantime` is the ban's own and cannot be set. */
  #set(name: string, value: Value): void {
    if (name === 'bantime') return
    this.#values.set(name, name === 'timeout' ? this.#seconds(value) : value)
  }

  text(name: string): string {
    const value = this.#values.get(name)
    return value === undefined ? '' : textOf(value)
  }

  /** Whether a command is there at all. */
  has(name: string): boolean {
    return this.text(name).trim() !== ''
  }

  flag(name: string): boolean {
    return isYes(this.text(name))
  }

  get timeoutS(): number {
    const value = this.#values.get('timeout')
    return typeof value === 'number' ? value : timeoutSUsual
  }

  /** Whether commands differ by the family of the address. */
  get isConditional(): boolean {
    return [...this.#values.keys()].some((name) => /^\w+\?family=/.test(name))
  }

  /** Families for which the action is started. */
  get families(): readonly Family[] {
    const given = this.text('families')
    if (given !== '')
      return given.split(/[\s,]+/).filter((word): word is Family => word === 'inet4' || word === 'inet6')
    return this.isConditional ? ['inet4', 'inet6'] : ['']
  }

  /** Whether `actionstart` waits for the first ban of its family. */
  get startsOnDemand(): boolean {
    return this.#values.has('actionstart_on_demand') ? this.flag('actionstart_on_demand') : this.isConditional
  }

  /** The text of a command for a family; tags of a ban are still in it. Throws TagCircle. */
  command(name: string, family: Family): string {
    const key = `${family} ${name}`
    const known = this.#texts.get(key)
    if (known !== undefined) return known
    const text = this.#fill(`<${name}>`, family)
    this.#texts.set(key, text)
    return text
  }

  #fill(query: string, family: Family): string {
    const condition = family.startsWith('inet') ? `family=${family}` : ''
    const values = this.#resolvedFor(family, condition)
    return fillRepeatedly(query, (tag) => {
      const value = conditional(values, tag, condition)
      if (value === undefined) return generalTag(tag, this.#options.hostNames)
      return hostileTags.has(tag) ? escaped(value) : value
    })
  }

  #resolvedFor(family: Family, condition: string): ReadonlyMap<string, string> {
    const known = this.#resolved.get(family)
    if (known !== undefined) return known
    const texts = new Map([...this.#values.keys()].sort().map((name) => [name, this.text(name)]))
    const resolved = substituteProperties(texts, condition)
    this.#resolved.set(family, resolved)
    return resolved
  }

  #changed(): void {
    this.#texts.clear()
    this.#resolved.clear()
    this.#revision++
  }

  #seconds(value: Value): number {
    const ms = this.#options.durationMs(String(value))
    if (ms !== undefined && ms > 0) return ms / 1000
    this.#options.warn(`timeout ${JSON.stringify(value)} is not a time; it is ${timeoutSUsual} seconds`)
    return timeoutSUsual
  }
}

/** What the configuration takes for yes. */
export function isYes(text: string): boolean {
  return /^(?:1|on|true|yes)$/i.test(text)
}

/** Tags that mean the same in every command (spec 6.3). */
export function generalTag(tag: string, hostNames: OwnHostNames): string | undefined {
  if (tag === 'br') return '\n'
  if (tag === 'sp') return ' '
  if (tag === 'fq-hostname') return hostNames.full
  return tag === 'sh-hostname' ? hostNames.short : undefined
}

/** As `str()` prints a property in Python. */
function textOf(value: Value): string {
  return typeof value === 'boolean' ? (value ? 'True' : 'False') : String(value)
}

function escaped(value: string): string {
  return value.replace(/[\\#&;`|*?~<>^()[\]{}$'"\n\r]/g, (one) => `\\${one === '\n' ? 'n' : one === '\r' ? 'r' : one}`)
}
