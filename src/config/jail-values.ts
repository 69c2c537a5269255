import type { Origin, Problem, Sourced } from '../domain/origin.js'
import { parseDurationMs, timeHint } from './duration.js'
import type { JailReading } from './jail-file.js'
import { textOf } from './server-options.js'
import { originOf, type Traced, wordsOf } from './traced.js'
import type { Option } from './typed-options.js'

/** A jail's options with their types; everything wrong becomes a Problem. */
export class JailValues {
  readonly #reading: JailReading
  readonly #problems: Problem[]
  /** Values that were called wrong, with their places: `maxmatches = %(maxretry)s` is wrong because maxretry is. */
  readonly #wrongValues = new Set<string>()

  constructor(reading: JailReading, problems: Problem[]) {
    this.#reading = reading
    this.#problems = problems
  }

  option(name: string): Option | undefined {
    return this.#reading.options.get(name)
  }

  written(name: string): Traced | undefined {
    return this.option(name)?.written
  }

  /** The words of a list; none when it is missing. */
  words(name: string): Sourced[] {
    const written = this.written(name)
    return written === undefined ? [] : wordsOf(written)
  }

  /** Undefined when missing or empty. */
  text(name: string): string | undefined {
    const text = textOf(this.option(name))
    return text === '' ? undefined : text
  }

  flag(name: string): boolean | undefined {
    const value = this.option(name)?.value
    return typeof value === 'boolean' ? value : undefined
  }

  count(name: string, byDefault: number, least: number): number {
    const option = this.option(name)
    if (option === undefined) return byDefault
    if (typeof option.value === 'number' && option.value >= least) return option.value
    this.wrong(name, `is not a whole number of at least ${least}`, `write ${name} = ${byDefault}, for example`)
    return byDefault
  }

  durationMs(name: string): number | undefined {
    const text = this.text(name)
    if (text === undefined && this.option(name) === undefined) return undefined
    const ms = parseDurationMs(text ?? '')
    if (ms === undefined) this.wrong(name, 'is not a time', timeHint)
    return ms
  }

  wrong(name: string, what: string, hint: string): void {
    const written = this.written(name)
    const message = `${name} ${JSON.stringify(written?.text ?? '')} ${what}`
    const origin = written ? originOf(written) : this.#reading.origin
    const value = `${origin.file}:${origin.line}:${written?.text}`
    if (written !== undefined && this.#wrongValues.has(value)) return
    this.#wrongValues.add(value)
    this.#problems.push({ severity: 'error', message, hint, origin, jail: this.#reading.name })
  }

  warn(message: string, origin: Origin, hint: string): void {
    this.#problems.push({ severity: 'warning', message, hint, origin, jail: this.#reading.name })
  }

  fail(message: string, origin: Origin, hint: string): void {
    this.#problems.push({ severity: 'error', message, hint, origin, jail: this.#reading.name })
  }
}
