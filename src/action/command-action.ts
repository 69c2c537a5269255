import type { Log } from '../lib/log.js'
import { fieldsOf, type ShellCommand } from '../lib/shell-command.js'
import type { BanTags } from './ban-tags.js'
import { HoldBack } from './hold-back.js'
import { Operations } from './operations.js'
import type { Family, Properties } from './properties.js'
import { filesOf } from './shared-files.js'

/** What an action needs of the jail it belongs to. */
export interface ActionSurroundings {
  jail: string
  log: Log
  /** Fills in the tags of a ban, or of none. */
  fill(text: string, tags: BanTags | { operation: Family }): Promise<ShellCommand>
  /** `mayFail`: then nothing is said of it. */
  run(command: ShellCommand, timeoutS: number, options?: { mayFail: boolean }): Promise<boolean>
  /** Runs the task while nobody else in the daemon has one of these keys. */
  alone<T>(keys: readonly string[], task: () => Promise<T>): Promise<T>
  /** The jail's next epoch: bans from before it may have been lost with a restart of the action (spec 5.7). */
  nextEpoch(): number
  /** Hands these unbans by this action over to another jail whose live ban they would end, if there is one. */
  handOver(action: CommandAction, tags: BanTags, commands: readonly ShellCommand[]): Promise<string | undefined>
}

type BanCommand = 'actionban' | 'actionreban' | 'actionprolong' | 'actionunban'

/** What has been done for a family. */
interface State {
  isStarted: boolean
  hasBans: boolean
}

/** One action of a jail that runs shell commands: when which of them runs, what follows a failure (spec 6.2, 6.4, 6.5). */
export class CommandAction {
  readonly name: string
  readonly properties: Properties
  readonly #around: ActionSurroundings
  readonly #operations: Operations
  readonly #states = new Map<Family, State>()
  readonly holdBack: HoldBack
  #learned: { revision: number; files: readonly string[]; fields: ReadonlySet<string> } | undefined
  /** Epoch of the last repair; bans that are older are made again when somebody is seen who should be banned. */
  epoch = 0

  constructor(name: string, properties: Properties, around: ActionSurroundings) {
    this.name = name
    this.properties = properties
    this.#around = around
    this.#operations = new Operations({
      jail: around.jail,
      action: name,
      properties,
      execute: (text, family) => this.#executeOperation(text, family),
    })
    this.holdBack = new HoldBack({
      handOver: (tags, commands) => around.handOver(this, tags, commands),
      run: (command, mayFail) => around.run(command, properties.timeoutS, { mayFail }),
      tell: ({ id }, holder) => {
        const what = `[${around.jail}] action '${name}': ${id} stays banned`
        const why = `jail '${holder}' bans it by the same command; its unban comes behind theirs`
        around.log.write('INFO', 'actions', `${what}, ${why}`)
      },
    })
  }

  async start(): Promise<void> {
    if (!this.properties.startsOnDemand) await this.#start(this.properties.families)
  }

  /** Throws when it could not be done. */
  async ban(tags: BanTags, command: BanCommand = 'actionban'): Promise<void> {
    const { family } = tags
    if (this.properties.startsOnDemand && !this.#states.get(family)?.isStarted)
      await this.#start(this.#startedBy(family))
    if (!(await this.#process(command, tags))) throw new Error(`Error banning ${tags.ip}`)
    this.#state(family).isStarted = true
    this.#state(family).hasBans = true
  }

  async reban(tags: BanTags): Promise<void> {
    await this.ban(tags, this.properties.text('actionreban') === '' ? 'actionban' : 'actionreban')
  }

  get isProlongable(): boolean {
    return this.properties.has('actionprolong')
  }

  async prolong(tags: BanTags): Promise<void> {
    if (!(await this.#process('actionprolong', tags))) throw new Error(`Error prolonging ${tags.ip}`)
  }

  async unban(tags: BanTags): Promise<void> {
    if (!this.#states.get(tags.family)?.hasBans) return this.unbanOthers(tags)
    if (!(await this.#process('actionunban', tags))) throw new Error(`Error unbanning ${tags.ip}`)
  }

  /** One command in place of all unbans. */
  async flush(): Promise<void> {
    const families = this.#familiesWhere((state) => state.isStarted && state.hasBans)
    await this.#operations.run('actionflush', families, (family, isGood) => {
      if (isGood) this.#state(family).hasBans = false
    })
  }

  async stop(): Promise<void> {
    const families = this.#familiesWhere((state) => state.isStarted || state.hasBans)
    this.#states.clear()
    await this.#stop(families)
  }

  async reload(): Promise<void> {
    const families = this.#familiesWhere((state) => state.isStarted)
    await this.#operations.run('actionreload', families, () => {})
  }

  /** Asks `actioncheck` for every started family and repairs what is broken, unless `mayRepair` says no. */
  async checkConsistency(mayRepair?: () => boolean): Promise<void> {
    if (!this.properties.has('actioncheck')) return
    for (const family of this.#familiesWhere((state) => state.isStarted)) {
      if ((await this.#check(family, mayRepair)) !== 'broken') continue
      this.#state(family).isStarted = false
      this.#state(family).hasBans = false
      this.#operations.forget('actionstart', family)
    }
  }

  /** Whether an unban with one of these commands would end a ban that this action made. */
  async wouldSuffer(texts: readonly string[], tags: BanTags): Promise<boolean> {
    if (this.holdBack.isReleased(tags.id) || !this.#states.get(tags.family)?.hasBans) return false
    return (await this.effectsOf(tags)).some((text) => texts.includes(text))
  }

  /** The commands by which this action bans and unbans, for comparison; none when it never takes a ban back. */
  async effectsOf(tags: BanTags): Promise<string[]> {
    if (!this.properties.has('actionunban')) return []
    const texts: string[] = []
    for (const name of ['actionban', 'actionunban'] as const) {
      const text = this.properties.command(name, tags.family)
      const { script, values } = await this.#around.fill(text, tags)
      if (script.trim() !== '') texts.push(`${name} ${[script, ...values].join('\0')}`)
    }
    return texts
  }

  /** Fields of a ban that commands behind `actionban` want, in lower case. */
  get laterFields(): ReadonlySet<string> {
    try {
      return this.#known().fields
    } catch {
      return new Set() // Its commands cannot be made, and each of them says why.
    }
  }

  /** Unbans of other jails that waited for the end of a ban of ours that was never made or is lost. */
  async unbanOthers(tags: BanTags): Promise<void> {
    if (!this.holdBack.owes(tags.id)) return
    await this.#around.alone(await this.effectsOf(tags), () => this.holdBack.unban(tags, undefined))
  }

  async #start(families: readonly Family[]): Promise<void> {
    await this.#operations.run('actionstart', families, (family, isGood) => {
      if (!isGood) return
      this.#operations.forget('actionstop', family)
      this.#state(family).isStarted = true
      this.#state(family).hasBans = false
    })
  }

  /** A ban without an address wants every variant. */
  #startedBy(family: Family): readonly Family[] {
    return family === 'raw' ? this.properties.families : [family]
  }

  async #stop(families: readonly Family[]): Promise<void> {
    await this.#operations.run('actionstop', families, (family, isGood) => {
      if (isGood) this.#operations.forget('actionstart', family)
    })
  }

  /** For a repair: an action that was started without a family is stopped, too, when it is the same for this family. */
  async #stopFamily(family: Family): Promise<void> {
    if (family === 'raw') return this.stop()
    const state = this.#states.get(family)
    const isCommon =
      this.#states.get('')?.isStarted &&
      this.#operations.text('actionstart', '') === this.#operations.text('actionstart', family)
    if (state === undefined && !isCommon) return
    if (state !== undefined) Object.assign(state, { isStarted: false, hasBans: false })
    await this.#stop([family])
  }

  /** The second try after a failure comes behind a check, if there is one; its result counts. */
  async #process(command: BanCommand, tags: BanTags): Promise<boolean> {
    const { family } = tags
    if (await this.#executeFor(command, tags)) return true
    if (this.properties.has('actioncheck')) {
      const mayRepair = () => {
        if (command !== 'actionunban' || this.properties.flag('actionrepair_on_unban')) return true
        this.#say('ERROR', 'Invariant check failed. Unban is impossible.')
        return false
      }
      const isKnown = command !== 'actionunban' || this.#states.has(family)
      if (isKnown && (await this.#check(family, mayRepair, command !== 'actionunban')) !== 'sane') return false
    }
    return this.#executeFor(command, tags)
  }

  async #check(
    family: Family,
    mayRepair?: () => boolean,
    forceStart = true,
  ): Promise<'sane' | 'broken' | 'left broken'> {
    const check = () => this.#executeText(this.#operations.text('actioncheck', family))
    if (await check()) return 'sane'
    if (mayRepair && !mayRepair()) return 'left broken'
    this.#say('ERROR', 'Invariant check failed. Trying to restore a sane environment')
    this.epoch = this.#around.nextEpoch()
    const repair = this.#operations.text('actionrepair', family)
    const isRepaired = repair === '' ? await this.#restart(family, forceStart) : await this.#executeText(repair)
    if (repair !== '') Object.assign(this.#state(family), { isStarted: isRepaired, hasBans: false })
    if (isRepaired && (!this.#states.get(family)?.isStarted || (await check()))) return 'sane'
    this.#say('CRITICAL', 'Unable to restore environment')
    return 'broken'
  }

  async #restart(family: Family, forceStart: boolean): Promise<boolean> {
    // What cannot be stopped may have gone already; whether the start helped, the check tells.
    await this.#stopFamily(family).catch(() => {})
    if (forceStart || !this.properties.startsOnDemand) await this.#start(this.#startedBy(family))
    return true
  }

  async #executeFor(name: BanCommand, tags: BanTags): Promise<boolean> {
    const text = this.properties.command(name, tags.family)
    if (text.trim() === '') return true
    const command = await this.#around.fill(text, tags)
    const keys = [...(await this.effectsOf(tags)), ...this.#fileKeys()]
    return this.#around.alone(keys, async () => {
      if (name === 'actionunban') return this.holdBack.unban(tags, command)
      this.holdBack.banned(tags.id)
      return this.#around.run(command, this.properties.timeoutS)
    })
  }

  async #executeOperation(text: string, family: Family): Promise<boolean> {
    const command = await this.#around.fill(text, { operation: family })
    return this.#around.alone(this.#fileKeys(), () => this.#around.run(command, this.properties.timeoutS))
  }

  async #executeText(text: string): Promise<boolean> {
    if (text.trim() === '') return true
    const command: ShellCommand = { script: text, values: [] }
    return this.#around.alone(this.#fileKeys(), () => this.#around.run(command, this.properties.timeoutS))
  }

  #fileKeys(): readonly string[] {
    return this.#known().files
  }

  /** What the commands say of themselves, read once for all bans. Throws TagCircle. */
  #known() {
    const { properties } = this
    const { revision } = properties
    if (this.#learned?.revision !== revision) {
      const undoes = properties.has('actionunban')
      const operations = ['actionstart', 'actionban', 'actionunban', 'actionflush', 'actionstop']
      const later = ['actionunban', 'actionprolong', 'actionreban', ...(undoes ? ['actionban'] : [])]
      const texts = (names: readonly string[]) =>
        names.flatMap((name) => (['inet4', 'inet6'] as const).map((family) => properties.command(name, family)))
      this.#learned = { revision, files: filesOf(texts(operations), undoes), fields: fieldsOf(texts(later)) }
    }
    return this.#learned
  }

  #state(family: Family): State {
    const state = this.#states.get(family) ?? { isStarted: false, hasBans: false }
    this.#states.set(family, state)
    return state
  }

  #familiesWhere(claim: (state: State) => boolean): Family[] {
    return [...this.#states].filter(([, state]) => claim(state)).map(([family]) => family)
  }

  #say(level: 'ERROR' | 'CRITICAL', text: string): void {
    this.#around.log.write(level, 'CommandAction', text)
  }
}
