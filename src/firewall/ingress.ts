import { readFileSync } from 'node:fs'
import type { Clock } from '../lib/clock.js'
import { messageOf } from '../lib/error-message.js'

export interface IngressOptions {
  /** Interfaces at which packets are to be kept out as they come in; they may not exist (yet). */
  names: readonly string[]
  clock: Clock
  /** Gets a sentence when what was asked for cannot be had. */
  say(sentence: string): void
  /** Called when other interfaces exist than `present` has found. */
  onChange(): Promise<void>
}

/** Between two looks at the interfaces; a look costs two small reads. Until then packets meet the bans before routing. */
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
    if (textOf(indexes(this.#options.names)) !== this.#seen) void this.#changed()
  }

  async #changed(): Promise<void> {
    try {
      await this.#options.onChange()
    } catch (error) {
      // Packets are still kept out before routing.
      this.#options.say(`The new interface is not used: ${messageOf(error)}`)
    }
  }
}

function sentenceOn(missing: readonly string[]): string {
  const names = missing.join(', ')
  const they = missing.length === 1 ? 'it appears' : 'they appear'
  return `No interface ${names} here: what comes in there is kept out before routing until ${they}`
}

/** Names with their numbers, which differ when one went and another came under its name; the number is empty where /sys is not ours. */
function indexes(names: readonly string[]): Map<string, string> {
  // NOTE: of the network this thread is in. Not by if_nametoindex(3), so that machines without koffi have it too.
  const devices = new Set(
    textIn('/proc/thread-self/net/dev')
      .split('\n')
      .flatMap((line) => /^\s*(\S+):/.exec(line)?.[1] ?? []),
  )
  const present = names.filter((name) => devices.has(name))
  return new Map(present.map((name) => [name, textIn(`/sys/class/net/${name}/ifindex`).trim()]))
}

function textOf(found: ReadonlyMap<string, string>): string {
  // Never that of "not looked yet".
  return JSON.stringify([...found])
}

function textIn(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // Gone at this moment, or no /sys: it counts as absent, or as having no number.
    return ''
  }
}
