import { localDateTime } from '../lib/log-writer.js'
import { type PyValue, tuple } from '../lib/python-repr.js'
import { intOf, listOf, textOf } from './arguments.js'
import {
  type BannedId,
  type Command,
  CommandError,
  type ControlledAction,
  type ControlledJail,
  duplicateJail,
  type Fail2banServer,
  type JailFigures,
  type ReloadRequest,
  unknownJail,
} from './fail2ban-server.js'

/** For tests: a server without any protection behind it, that keeps what it is told and answers as Fail2ban's own does. */
export class TalkingServer implements Fail2banServer {
  /** What was asked for, besides jails and their options. */
  readonly calls: unknown[][] = []
  readonly #jails = new Map<string, TalkingJail>()
  readonly #settings = new Map<string, PyValue>([
    ['thread', { stacksize: 0 }],
    ['loglevel', 'INFO'],
    ['dbfile', null],
    ['dbmaxmatches', null],
    ['dbpurgeage', null],
  ])

  jailNames(): readonly string[] {
    return [...this.#jails.keys()]
  }

  jail(name: string): TalkingJail {
    const jail = this.#jails.get(name)
    if (jail === undefined) throw unknownJail(name)
    return jail
  }

  async addJail(name: string, backend: string): Promise<void> {
    if (this.#jails.has(name)) throw duplicateJail(name)
    this.#jails.set(name, new TalkingJail(name, backend))
  }

  async startJail(name: string): Promise<void> {
    this.jail(name)
  }

  async stopJail(name: string): Promise<void> {
    this.jail(name)
    this.#jails.delete(name)
  }

  async stopAllJails(): Promise<void> {
    this.#jails.clear()
  }

  async stop(): Promise<void> {
    this.calls.push(['stop'])
    this.#jails.clear()
  }

  async reload(request: ReloadRequest): Promise<void> {
    this.calls.push(['reload', request])
  }

  async takeStream(stream: readonly Command[]): Promise<void> {
    this.calls.push(['takeStream', stream])
  }

  get(setting: string): PyValue {
    return this.#settings.get(setting) ?? null
  }

  async set(setting: string, value: PyValue): Promise<PyValue> {
    if (!setting.startsWith('db'))
      this.#settings.set(setting, setting === 'loglevel' ? textOf(value).toUpperCase() : value)
    return this.get(setting)
  }

  flushLogs(): 'rolled over' | 'flushed' {
    return 'rolled over'
  }

  async unban(ids: readonly string[] | 'all'): Promise<number> {
    let lifted = 0
    for (const jail of this.#jails.values())
      lifted += (await jail.unban(ids === 'all' ? jail.banned().map(({ id }) => id) : ids)).lifted
    return lifted
  }

  configError(text: string): void {
    this.calls.push(['configError', text])
  }
}

/** What a new jail of Fail2ban's has. */
const defaults: readonly (readonly [string, PyValue])[] = [
  ['ignoreself', true],
  ['ignoreip', []],
  ['ignorecommand', false],
  ['ignorecache', null],
  ['prefregex', ''],
  ['failregex', []],
  ['ignoreregex', []],
  ['usedns', 'warn'],
  ['findtime', 600],
  ['datepattern', tuple(null, 'Default Detectors')],
  ['logtimezone', null],
  ['maxmatches', 5],
  ['maxretry', 3],
  ['maxlines', 1],
  ['bantime', 600],
  ['logpath', []],
  ['logencoding', 'UTF-8'],
  ['journalmatch', []],
]

class TalkingJail implements ControlledJail {
  readonly name: string
  readonly backend: string
  isIdle = false
  readonly #options = new Map<string, PyValue>(defaults)
  readonly #bans = new Map<string, BannedId>()
  readonly #actions = new Map<string, TalkingAction>()
  #total = 0
  readonly #failed = new Set<string>()

  constructor(name: string, backend: string) {
    this.name = name
    this.backend = backend
  }

  status(): JailFigures {
    return {
      currentlyFailed: this.#failed.size,
      totalFailed: this.#failed.size,
      files: listOf(this.get('logpath')).map(textOf),
      journalMatches: undefined,
      currentlyBanned: this.#bans.size,
      totalBanned: this.#total,
    }
  }

  banned(): readonly BannedId[] {
    const end = ({ startMs, durationMs = Number.POSITIVE_INFINITY }: BannedId) => startMs + durationMs
    return [...this.#bans.values()].sort((a, b) => end(a) - end(b))
  }

  isBanned(id: string): boolean {
    return this.#bans.has(id)
  }

  async ban(ids: readonly string[]): Promise<number> {
    const fresh = ids.filter((id) => !this.#bans.has(id))
    const seconds = intOf(this.get('bantime'))
    for (const id of fresh)
      this.#bans.set(id, { id, startMs: 1_800_000_000_000, durationMs: seconds < 0 ? undefined : seconds * 1000 })
    this.#total += fresh.length
    return fresh.length
  }

  async unban(ids: readonly string[]): Promise<{ lifted: number; absent: readonly string[] }> {
    const absent = ids.filter((id) => !this.#bans.delete(id))
    return { lifted: ids.length - absent.length, absent }
  }

  async attempt(id: string): Promise<0 | 1> {
    this.#failed.add(id)
    return 1
  }

  get(option: string): PyValue {
    return this.#options.get(option) ?? null
  }

  async set(verb: string, args: readonly PyValue[]): Promise<PyValue> {
    if (verb === 'idle') {
      this.isIdle = args[0] === 'on'
      return this.isIdle
    }
    const option = verb.replace(/^(?:add|del)/, '')
    const [first = null] = args
    if (verb.startsWith('add')) this.#options.set(option, [...listOf(this.get(option)), ...added(verb, args)])
    else if (verb === 'delfailregex' || verb === 'delignoreregex') this.#remove(option, (_, at) => at === first)
    else if (verb.startsWith('del')) this.#remove(option, (item) => item === first)
    else if (verb === 'ignoreself') this.#options.set(verb, first === 'true' || first === true)
    else this.#options.set(verb, verb === 'findtime' || verb === 'bantime' ? intOf(first) : first)
    return this.get(option)
  }

  #remove(option: string, isMeant: (item: PyValue, at: number) => boolean): void {
    this.#options.set(
      option,
      listOf(this.get(option)).filter((item, at) => !isMeant(item, at)),
    )
  }

  actions(): readonly string[] {
    return [...this.#actions.keys()]
  }

  async addAction(name: string): Promise<void> {
    if (this.#actions.has(name)) throw new CommandError('builtins.ValueError', `Action ${name} already exists`)
    this.#actions.set(name, new TalkingAction())
  }

  async deleteAction(name: string): Promise<void> {
    this.action(name)
    this.#actions.delete(name)
  }

  action(name: string): TalkingAction {
    const action = this.#actions.get(name)
    if (action === undefined) throw new CommandError('builtins.KeyError', `Invalid Action name: ${name}`)
    return action
  }
}

/** A log is followed by its path, whether from its head or its tail; matches of the journal are one list each. */
function added(verb: string, args: readonly PyValue[]): readonly PyValue[] {
  if (verb === 'addlogpath') return args.slice(0, 1)
  return verb === 'addjournalmatch' ? [] : args
}

class TalkingAction implements ControlledAction {
  readonly #values = new Map<string, PyValue>([['timeout', 60]])

  properties(): readonly string[] {
    return [...this.#values.keys()].sort()
  }

  methods(): readonly string[] {
    return ['start', 'stop']
  }

  get(property: string): PyValue {
    const value = this.#values.get(property)
    if (value !== undefined) return value
    throw new CommandError('builtins.AttributeError', `'CommandAction' object has no attribute '${property}'`)
  }

  async set(property: string, value: PyValue): Promise<PyValue> {
    this.#values.set(property, property === 'timeout' ? intOf(value) : value)
    return this.get(property)
  }

  async call(_method: string, args: { readonly [key: string]: PyValue }): Promise<PyValue> {
    return Object.keys(args).length === 0 ? true : args
  }
}

/** `2027-01-15 08:00:00` where the tests run; when all bans of a talking server begin. */
export const banBegin = localDateTime(1_800_000_000_000)
