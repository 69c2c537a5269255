import type { Clock } from '../lib/clock.js'
import { cFunction } from '../lib/libc.js'

export interface IngressOptions {
  /** Interfaces at which packets are to be kept out as they come in; they may not exist (yet). */
  names: readonly string[]
  clock: Clock
  /** Gets a sentence when what was asked for cannot be had. */
  say(sentence: string): void
  /** Called when other interfaces exist than `present` has found. */
  onChange(): void
}

/** Between two looks at the interfaces; a look costs a system call each. Until then packets meet the bans before routing. */
const lookEveryMs = 5_000

/** Which of the named interfaces are there. */
export class Ingress {
  readonly #options: IngressOptions
  #seen = ''
  #cancel: (() => void) | undefined

  constructor(options: IngressOptions) {
    this.#options = options
  }

  /** Those that exist now. From now on it is watched whether that changes. */
  present(): string[] {
    const { names, say, clock } = this.#options
    if (names.length === 0) return []
    const found = indexes(names)
    const missing = names.filter((name) => !found.has(name))
    const seen = textOf(found)
    if (missing.length > 0 && seen !== this.#seen) say(sentenceOn(missing))
    this.#seen = seen
    this.#cancel ??= clock.after(lookEveryMs, () => this.#look())
    return [...found.keys()]
  }

  release(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #look(): void {
    this.#cancel = this.#options.clock.after(lookEveryMs, () => this.#look())
    // One that went and came back has another index, and lost its chain on older kernels.
    if (textOf(indexes(this.#options.names)) !== this.#seen) this.#options.onChange()
  }
}

function sentenceOn(missing: readonly string[]): string {
  const names = missing.join(', ')
  const they = missing.length === 1 ? 'it appears' : 'they appear'
  return `No interface ${names} here: what comes in there is kept out before routing until ${they}`
}

function indexes(names: readonly string[]): Map<string, number> {
  const found = new Map<string, number>()
  for (const name of names) {
    const index = nameToIndex(name)
    if (index !== 0) found.set(name, index)
  }
  return found
}

function textOf(found: ReadonlyMap<string, number>): string {
  // Never that of "not looked yet".
  return JSON.stringify([...found])
}

let loaded: ((name: string) => number) | undefined

/** if_nametoindex(3): 0 when there is none of that name. */
function nameToIndex(name: string): number {
  loaded ??= cFunction<(name: string) => number>('unsigned int if_nametoindex(const char *name)')
  return loaded(name)
}
