import { CommandError, type ControlledAction } from '../../compat/fail2ban-server.js'
import { parseDurationMs } from '../../config/duration.js'
import { withProperties } from '../../config/edit-actions.js'
import type { JailConfig } from '../../config/load.js'
import { asBool } from '../../config/value.js'
import { type PyValue, repr } from '../../lib/python-repr.js'
import type { JailUnit } from '../jails.js'

/** What every action has, whether it is said or not (spec 2.4). */
const classProperties = ['ESCAPE_CRE', 'ESCAPE_VN_CRE', 'banEpoch']
const commands = [
  'actionban',
  'actioncheck',
  'actionflush',
  'actionreban',
  'actionreload',
  'actionrepair',
  'actionstart',
  'actionstop',
  'actionunban',
]
/** Shown as Python's booleans. */
const flags = ['actionstart_on_demand', 'actionrepair_on_unban', 'norestored']
const timeoutMsDefault = 60_000
/** Those of Fail2ban's class, whether an operator could do anything with them or not. */
const methods = [
  ...['ban', 'clearAllParams', 'consistencyCheck', 'escapeTag', 'executeCmd', 'flush', 'invalidateBanEpoch'],
  ...['prolong', 'reban', 'reload', 'replaceDynamicTags', 'replaceTag', 'start', 'stop', 'unban'],
]

/** An action of a jail under Fail2ban's commands. */
export class ActionControl implements ControlledAction {
  readonly #unit: JailUnit
  readonly #name: string
  readonly #apply: (config: JailConfig) => Promise<void>

  constructor(unit: JailUnit, name: string, apply: (config: JailConfig) => Promise<void>) {
    this.#unit = unit
    this.#name = name
    this.#apply = apply
  }

  properties(): readonly string[] {
    return [
      ...new Set([...classProperties, ...commands, 'timeout', 'actname', 'name', ...this.#values().keys()]),
    ].sort()
  }

  methods(): readonly string[] {
    return methods
  }

  get(property: string): PyValue {
    const value = this.#values().get(property)
    if (property === 'timeout') return ((value && parseDurationMs(value)) || timeoutMsDefault) / 1000
    if (value !== undefined) return flags.includes(property) ? asBool(value) : value
    if (commands.includes(property)) return ''
    throw new CommandError('builtins.AttributeError', `'CommandAction' object has no attribute '${property}'`)
  }

  async set(property: string, value: PyValue): Promise<PyValue> {
    const text = typeof value === 'string' ? value : repr(value)
    if (property === 'timeout' && parseDurationMs(text) === undefined)
      throw new CommandError('builtins.NameError', `name '${text}' is not defined`)
    await this.#apply(withProperties(this.#unit.config, this.#name, [[property, text]]))
    return this.get(property)
  }

  async call(method: string): Promise<PyValue> {
    const running = this.#unit.actions.call(this.#name, method)
    if (running === undefined)
      throw new CommandError('builtins.Exception', `${method} of ${this.#name} cannot be called by a command`)
    await running
    return null
  }

  #values(): Map<string, string> {
    const { properties } = this.#unit.config.actions.find(({ name }) => name === this.#name) ?? { properties: [] }
    return new Map([['actname', this.#name], ['name', this.#unit.name], ...properties])
  }
}
