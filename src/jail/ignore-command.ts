import type { Failure } from '../domain/failure.js'
import type { Clock } from '../lib/clock.js'
import { keepNewest } from '../lib/keep-newest.js'
import type { Log } from '../lib/log.js'
import { argvOf, printed, shellCommand, type TagValues } from '../lib/shell-command.js'

export interface IgnoreCommandOptions {
  jail: string
  /** `ignorecommand`: shell text with tags. */
  command: string
  cache: IgnoreCache | undefined
  clock: Clock
  log: Log
  /** Runs a child to its end; undefined exit code: it was killed. */
  run(argv: readonly string[]): Promise<{ exitCode: number | undefined; stderr: string }>
}

/** `ignorecache`: for how long, and how many, answers are remembered under which key. */
export interface IgnoreCache {
  /** Text with tags: failures with equal texts share an answer. */
  key: string
  countMax: number
  ageMsMax: number
}

/** At most so many commands at a time. */
const runningMax = 4
/** Failures that wait for their answer. Full: the newest is not counted, since somebody who should be ignored must not be banned. */
const waitingMax = 1000

/** Asks a command whether a failure is to be ignored: exit 0 yes, 1 no, anything else is an error and means no (spec 3.9). */
export class IgnoreCommand {
  readonly #options: IgnoreCommandOptions
  readonly #answers = new Map<string, { isIgnored: boolean; untilMs: number }>()
  readonly #asking = new Map<string, Promise<boolean | undefined>>()
  readonly #waiting: (() => void)[] = []
  #joined = 0
  #running = 0
  #isFull = false

  constructor(options: IgnoreCommandOptions) {
    this.#options = options
  }

  async covers(failure: Failure): Promise<boolean> {
    const { cache, clock, command } = this.#options
    const tags = tagsOf(failure)
    if (cache === undefined) return (await this.#ask(command, tags)) ?? true
    const key = printed(shellCommand(cache.key, tags))
    const known = this.#answers.get(key)
    if (known !== undefined && known.untilMs > clock.now()) return known.isIgnored
    const asking = this.#asking.get(key)
    if (asking !== undefined) return (await this.#join(asking)) ?? true
    const answer = this.#ask(command, tags).finally(() => this.#asking.delete(key))
    this.#asking.set(key, answer)
    const isIgnored = await answer
    if (isIgnored === undefined) return true
    this.#answers.delete(key)
    this.#answers.set(key, { isIgnored, untilMs: clock.now() + cache.ageMsMax })
    keepNewest(this.#answers, cache.countMax)
    return isIgnored
  }

  /** The failures of a burst are of one address: they wait for one answer. */
  async #join(asking: Promise<boolean | undefined>): Promise<boolean | undefined> {
    if (this.#joined >= waitingMax) return this.#tooMany()
    this.#joined++
    try {
      return await asking
    } finally {
      this.#joined--
    }
  }

  /** Undefined: too many are being asked about. */
  async #ask(command: string, tags: TagValues): Promise<boolean | undefined> {
    if (!(await this.#turn())) return undefined
    try {
      const { exitCode, stderr } = await this.#options.run(argvOf(shellCommand(command, tags)))
      if (exitCode === 0 || exitCode === 1) return exitCode === 0
      this.#say(
        `ignorecommand ended with ${exitCode ?? 'a signal'}, so nobody is ignored by it: ${stderr.trim().slice(0, 500)}`,
      )
      return false
    } finally {
      this.#running--
      this.#waiting.shift()?.()
    }
  }

  /** Waits until one may run; false when too many wait already. */
  async #turn(): Promise<boolean> {
    if (this.#running >= runningMax) {
      if (this.#waiting.length >= waitingMax) {
        this.#tooMany()
        return false
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    this.#isFull = false
    this.#running++
    return true
  }

  #tooMany(): undefined {
    if (!this.#isFull)
      this.#say(`More than ${waitingMax} failures wait for ignorecommand; further ones are not counted`)
    this.#isFull = true
  }

  #say(text: string): void {
    this.#options.log.write('ERROR', 'filter', `[${this.#options.jail}] ${text}`)
  }
}

/** Reads `key="<ip>", max-count=100, max-time=5m`; undefined where a part is wrong. */
export function parseIgnoreCache(
  text: string,
  durationMs: (text: string) => number | undefined,
): IgnoreCache | undefined {
  const parts = Object.fromEntries(
    [...text.matchAll(/([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^,\]]*))/g)].map(([, name, a, b, c]) => [
      name,
      (a ?? b ?? c ?? '').trim(),
    ]),
  )
  const countMax = Number(parts['max-count'] ?? 100)
  const ageMsMax = durationMs(parts['max-time'] ?? '300')
  return parts.key && Number.isInteger(countMax) && countMax > 0 && ageMsMax !== undefined
    ? { key: parts.key, countMax, ageMsMax }
    : undefined
}

function tagsOf(failure: Failure): TagValues {
  return { value: (tag) => tagValue(tag, failure), field: (name) => failure.data[name] }
}

/** The tags that make sense before there is a ban (spec 6.3). */
function tagValue(tag: string, { id, timeMs, lines, data }: Failure): string | undefined {
  switch (tag) {
    case 'ip':
      return data.ip ?? id
    case 'fid':
      return id
    case 'family':
      return id.includes(':') ? 'inet6' : /^[\d./]+$/.test(id) ? 'inet4' : ''
    case 'time':
      return String(timeMs / 1000)
    case 'failures':
      return '1'
    case 'matches':
      return lines.join('\n')
    default:
      return undefined
  }
}
