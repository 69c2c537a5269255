import { repr } from '../lib/python-repr.js'
import type { Family, Properties } from './properties.js'

/** Commands of an action that belong to no ban. */
export type Operation = 'actionstart' | 'actionstop' | 'actionflush' | 'actionreload'

const verbs: Readonly<Record<Operation, string>> = {
  actionstart: 'starting',
  actionstop: 'stopping',
  actionflush: 'flushing',
  actionreload: 'reloading',
}

export interface OperationsOptions {
  jail: string
  action: string
  properties: Properties
  /** Runs the text of a command whose own tags are replaced already. */
  execute(text: string, family: Family): Promise<boolean>
}

/**
 * Runs start, stop, flush and reload of an action for its families (spec 6.4). What is equal for two families is run once: it is remembered
 * what was run for which family, until the opposite operation takes it back.
 */
export class Operations {
  readonly #options: OperationsOptions
  readonly #executed = new Map<Operation, Map<Family, string>>()
  #revision: number

  constructor(options: OperationsOptions) {
    this.#options = options
    this.#revision = options.properties.revision
  }

  /** `after` is told of every family how it went. Throws when one failed; the others are run all the same. */
  async run(
    operation: Operation,
    families: readonly Family[],
    after: (family: Family, isGood: boolean) => void,
  ): Promise<void> {
    let wrong: unknown
    for (const family of families) {
      try {
        if (!(await this.#runFor(operation, family, after))) wrong = 'Script error'
      } catch (error) {
        wrong = error
      }
    }
    if (wrong === undefined) return
    const { jail, action } = this.#options
    const reason = wrong instanceof Error ? `ValueError(${repr(wrong.message)})` : "'Script error'"
    throw new Error(`Error ${verbs[operation]} action Jail('${jail}')/${action}: ${reason}`)
  }

  /** The text of an operation as it is compared between families. Throws TagCircle. */
  text(operation: Operation | 'actioncheck' | 'actionrepair', family: Family): string {
    const text = this.#options.properties.command(operation, family)
    if (!family.startsWith('inet')) return text
    return text.replaceAll('<family>', family).replace(/<F-[A-Z0-9_-]+>/g, '')
  }

  /**
   * The operation may run again for this family and for all with the same text. NOTE: Fail2ban forgets only what it knows of this very
   * family, so the first repair of an action that was started without a family does not start it (spec 6.4, quirk).
   */
  forget(operation: Operation, family: Family): void {
    const executed = this.#table(operation)
    const text = executed.get(family) ?? this.text(operation, family)
    executed.delete(family)
    for (const [other, its] of [...executed]) if (its === text) executed.delete(other)
  }

  async #runFor(
    operation: Operation,
    family: Family,
    after: (family: Family, isGood: boolean) => void,
  ): Promise<boolean> {
    const text = this.text(operation, family)
    const executed = this.#table(operation)
    const ranAlready = [...executed].some(([other, its]) => other !== family && its === text)
    const isGood = text === '' || ranAlready || (await this.#options.execute(text, family))
    after(family, isGood)
    if (isGood && text !== '') executed.set(family, text)
    else this.forget(operation, family)
    return isGood
  }

  /** Changed properties make other texts: what was run is not known any more. */
  #table(operation: Operation): Map<Family, string> {
    if (this.#revision !== this.#options.properties.revision) this.#executed.clear()
    this.#revision = this.#options.properties.revision
    const table = this.#executed.get(operation) ?? new Map<Family, string>()
    this.#executed.set(operation, table)
    return table
  }
}
