import { existsSync, statSync } from 'node:fs'
import {
  type BannedId,
  CommandError,
  type ControlledAction,
  type ControlledJail,
  invalidCommand,
  type JailFigures,
} from '../../compat/fail2ban-server.js'
import { edited, pathOfGlob } from '../../config/edit.js'
import { withAction, withoutAction } from '../../config/edit-actions.js'
import { jailOption } from '../../config/jail-option.js'
import type { JailConfig } from '../../config/load.js'
import { parseIp } from '../../domain/address.js'
import { noSuchGet } from '../../domain/fail2ban-words.js'
import { localDateTime } from '../../lib/log-writer.js'
import { PyTuple, type PyValue, repr } from '../../lib/python-repr.js'
import type { CompiledPattern } from '../../match/filter.js'
import { banByHand, letOut } from '../by-hand.js'
import { carryOut } from '../enact-verdict.js'
import type { JailRuns } from '../jail-runs.js'
import type { JailUnit } from '../jails.js'
import type { State } from '../state.js'
import { ActionControl } from './action-control.js'
import { buildOrThrow, orThrow } from './build.js'

/** One running jail under Fail2ban's commands. What they change is gone with the next reload. */
export class JailControl implements ControlledJail {
  readonly #state: State
  readonly #runs: JailRuns
  readonly #unit: JailUnit

  constructor(state: State, runs: JailRuns, unit: JailUnit) {
    this.#state = state
    this.#runs = runs
    this.#unit = unit
  }

  get name(): string {
    return this.#unit.name
  }

  get backend(): string {
    const { backend } = this.#unit.config
    return backend === 'auto' ? 'pyinotify' : backend
  }

  get isIdle(): boolean {
    return this.#unit.state === 'idle'
  }

  status(): JailFigures {
    const { bans, clock } = this.#state
    const { name, jail, config } = this.#unit
    const isJournal = config.source.kind === 'journal'
    return {
      currentlyFailed: jail.failedNow(clock.now()),
      totalFailed: jail.failuresTotal,
      files: isJournal ? undefined : this.#files(),
      journalMatches: config.source.kind === 'journal' ? config.source.matches : undefined,
      currentlyBanned: bans.live.count(name),
      totalBanned: bans.live.total(name),
    }
  }

  banned(): readonly BannedId[] {
    return this.#state.bans.live.byEnd(this.name)
  }

  isBanned(id: string): boolean {
    return this.#state.bans.live.get(this.name, canonical(id)) !== undefined
  }

  async ban(ids: readonly string[]): Promise<number> {
    const { bans } = this.#state
    const meant = ids.filter((id) => !isWrongNetwork(id))
    for (const id of ids.filter(isWrongNetwork))
      this.#state.log.write('WARNING', 'actions', `[${this.name}] ${id} is neither an address nor a network`)
    const enactments = meant.map((id) => bans.enact(banByHand(this.#state, { id, jail: this.name })))
    await bans.settled()
    return enactments.filter(({ kind }) => kind === 'enacted').length
  }

  async unban(ids: readonly string[]): Promise<{ lifted: number; absent: readonly string[] }> {
    const counts = await letOut(this.#state, ids, this.name)
    const absent = ids.filter((_, at) => counts[at] === 0)
    return { lifted: counts.reduce((sum, count) => sum + count, 0), absent }
  }

  async attempt(id: string, lines: readonly string[]): Promise<0 | 1> {
    const { log, clock, bans, fleet } = this.#state
    const judgement = this.#unit.jail.attempt(canonical(id), lines, clock.now())
    if (judgement.kind === 'ignored') return 0
    log.write('INFO', 'filter', `[${this.name}] Attempt ${id} - ${localDateTime(clock.now())}`)
    carryOut(judgement, { unit: this.#unit, id: canonical(id) }, { bans, fleet })
    return 1
  }

  get(option: string): PyValue {
    const { config, filter } = this.#unit
    const known = jailOption(config, option)
    if (known !== undefined) return known
    switch (option) {
      case 'failregex':
        return filter.fail.map(expanded)
      case 'ignoreregex':
        return filter.ignore.map(expanded)
      case 'prefregex':
        return filter.prefix === undefined ? '' : expanded(filter.prefix)
      case 'logpath':
        return this.#files()
      case 'datepattern':
        return this.#datePattern()
      case 'idle':
        return this.isIdle
      default:
        throw invalidCommand(noSuchGet())
    }
  }

  async set(option: string, args: readonly PyValue[]): Promise<PyValue> {
    if (option === 'idle') return this.#setIdle(args[0] ?? '')
    if (option === 'addlogpath') refuseMissing(args[0])
    const config = this.#edited(option, args)
    if (config !== undefined) await (option === 'datepattern' ? this.#setDates(config, args[0]) : this.#become(config))
    return this.get(option.replace(/^(?:add|del)(?=(?:ignoreip|logpath|journalmatch|failregex|ignoreregex)$)/, ''))
  }

  actions(): readonly string[] {
    return this.#unit.config.actions.map(({ name }) => name)
  }

  async addAction(name: string, python?: { file: string; options: PyValue }): Promise<void> {
    if (this.actions().includes(name)) throw new CommandError('builtins.ValueError', `Action ${name} already exists`)
    await this.#become(withAction(this.#unit.config, name, python?.file))
  }

  async deleteAction(name: string): Promise<void> {
    this.action(name)
    await this.#become(withoutAction(this.#unit.config, name))
  }

  action(name: string): ControlledAction {
    if (!this.actions().includes(name)) throw new CommandError('builtins.KeyError', `Invalid Action name: ${name}`)
    return new ActionControl(this.#unit, name, (config) => this.#become(config))
  }

  /** Undefined: nothing to do, and the log says why. */
  #edited(option: string, args: readonly PyValue[]): JailConfig | undefined {
    try {
      return orThrow(() => edited(this.#unit.config, option, args))
    } catch (error) {
      const isNoPlace = error instanceof CommandError && error.exception === 'builtins.IndexError' && args.length > 0
      if (!isNoPlace || !/^del(?:fail|ignore)regex$/.test(option)) throw error
      this.#state.log.write('ERROR', 'filter', error.message)
      return undefined
    }
  }

  #become(config: JailConfig): Promise<void> {
    return this.#runs.become(this.#unit, buildOrThrow(config, this.#state), { isReload: false })
  }

  async #setDates(config: JailConfig, pattern: PyValue = ''): Promise<void> {
    try {
      await this.#become(config)
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      const reason = error.message.replace(/^.*escaped percent char\): |^'.*?': /s, '')
      const text = `Failed to set datepattern ${repr(pattern)} (may be an invalid format or unescaped percent char): ${reason}`
      throw new CommandError('builtins.Exception', text)
    }
  }

  async #setIdle(value: PyValue): Promise<boolean> {
    if (value === 'on' || value === true) await this.#runs.pause(this.#unit)
    else if (value === 'off' || value === false) this.#runs.resume(this.#unit)
    else throw new CommandError('builtins.Exception', "Invalid idle option, must be 'on' or 'off'")
    return this.isIdle
  }

  #files(): string[] {
    const { source } = this.#unit.config
    const followed = this.#state.followers.statusOf(this.name).map(({ path }) => path)
    if (followed.length > 0 || source.kind !== 'files') return source.kind === 'journal' ? [] : followed
    return source.paths.map(({ glob }) => pathOfGlob(glob)).filter((path) => existsSync(path))
  }

  /** The pattern and what it is called; of several, and of the default ones, only the latter. */
  #datePattern(): PyValue {
    const { filter, config } = this.#unit
    if (config.source.kind === 'journal') return null
    const [template] = filter.templates
    const isOne = config.filter.datepattern.length > 0 && filter.templates.length <= 2 && template !== undefined
    return new PyTuple(isOne ? [template.written ?? null, template.name] : [null, 'Default Detectors'])
  }
}

function expanded({ pattern }: CompiledPattern): string {
  return pattern.source
}

/** `203.0.113.7/33`: Fail2ban bans the address, and means something else than was said. */
function isWrongNetwork(id: string): boolean {
  return /^[\d.:a-f]+\/\S*$/i.test(id) && parseIp(id) === undefined
}

function canonical(id: string): string {
  return parseIp(id)?.text ?? id
}

function refuseMissing(path: PyValue | undefined): void {
  if (typeof path !== 'string') return
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) throw new CommandError('builtins.FileNotFoundError', 2, 'No such file or directory', path)
  if (found.isDirectory()) throw new CommandError('builtins.IsADirectoryError', 21, 'Is a directory', path)
}
