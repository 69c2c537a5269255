import { noSuchSet } from '../domain/fail2ban-words.js'
import type { PyValue } from '../lib/python-repr.js'
import { repr } from '../lib/python-repr.js'
import { intOf, jsonOf, listOf, listsAt, textAt, textOf, typeName, word, wrongValue } from './arguments.js'
import {
  type Command,
  CommandError,
  type ControlledAction,
  type ControlledJail,
  invalidCommand,
} from './fail2ban-server.js'
import { type CommandKind, type Plan, plan } from './plan.js'

/** Of the server as a whole; no jail of such a name can be set. */
const serverSettings = /^(?:loglevel|logtarget|syslogsocket|allowipv6|thread|dbfile|dbmaxmatches|dbpurgeage)$/

/** One value each. */
const textOptions =
  /^(?:ignoreself|ignorecommand|ignorecache|logencoding|prefregex|usedns|findtime|datepattern|logtimezone|bantime|bantime\..*|delignoreip|dellogpath|addfailregex|addignoreregex)$/s
const intOptions = /^(?:maxmatches|maxretry|maxlines|delfailregex|delignoreregex)$/
/** Any number of values. */
const listOptions = /^(?:addignoreip|addjournalmatch|deljournalmatch)$/

/** `set …`, without its first word. */
export function planSet(command: Command): Plan {
  const target = word(command, 0)
  const option = word(command, 1)
  if (typeof target === 'string' && serverSettings.test(target))
    return plan('change', (server) => server.set(target, target === 'dbmaxmatches' ? intOf(option) : option))
  if (typeof option !== 'string') throw noAttribute(option, 'startswith')
  const planFor = Object.hasOwn(verbs, option) ? verbs[option] : undefined
  if (planFor !== undefined) return planFor(textOf(target), command)
  return jailPlan('change', textOf(target), setting(option, command))
}

/** `multi-set …`: several values at once for what has lists, else as `set`. */
export function planMultiSet(command: Command): Plan {
  const [target, option] = [textAt(command, 0), word(command, 1)]
  if (option === 'addfailregex' || option === 'addignoreregex') {
    return jailPlan('change', target, async (jail) => {
      const values = listOf(word(command, 2))
      if (values.length > 0) await jail.set(option, values)
      return true
    })
  }
  return option === 'action' ? planActionProperties(target, command) : planSet(command)
}

type JailWork = (jail: ControlledJail) => PyValue | Promise<PyValue>

function jailPlan(kind: CommandKind, jail: string, work: JailWork): Plan {
  return plan(kind, (server) => work(server.jail(jail)))
}

function setting(option: string, command: Command): JailWork {
  const args = settingArguments(option, command)
  if (args === undefined) throw invalidCommand(noSuchSet(repr(option)))
  return (jail) => jail.set(option, args)
}

function settingArguments(option: string, command: Command): readonly PyValue[] | undefined {
  if (textOptions.test(option)) return [word(command, 2)]
  if (intOptions.test(option)) return [intOf(word(command, 2))]
  return listOptions.test(option) ? command.slice(2) : undefined
}

const verbs: Readonly<Record<string, (jail: string, command: Command) => Plan>> = {
  idle(jail, command) {
    const value = word(command, 2)
    if (value !== 'on' && value !== 'off') throw invalidCommand("Invalid idle option, must be 'on' or 'off'")
    return jailPlan('change', jail, (found) => found.set('idle', [value]))
  },
  addlogpath(jail, command) {
    const path = word(command, 2)
    if (command.length > 4) throw wrongValue('Only one file can be added at a time')
    const start = command.length === 4 ? textAt(command, 3).toLowerCase() : 'head'
    if (start !== 'head' && start !== 'tail') throw wrongValue("File option must be 'head' or 'tail'")
    return jailPlan('change', jail, (found) => found.set('addlogpath', [path, start]))
  },
  attempt(jail, command) {
    const [id, ...lines] = command.slice(2).map(textOf)
    if (id === undefined)
      throw new CommandError('builtins.TypeError', "Filter.addAttempt() missing 1 required positional argument: 'ip'")
    return jailPlan('ban', jail, (found) => found.attempt(id, lines))
  },
  banip(jail, command) {
    const ids = command.slice(2).map(textOf)
    return jailPlan('ban', jail, (found) => found.ban(ids))
  },
  unbanip(jail, command) {
    const isReported = word(command, 2) === '--report-absent'
    const ids = command.slice(isReported ? 3 : 2).map(textOf)
    return jailPlan('ban', jail, async (found) => {
      const { lifted, absent } = await found.unban(ids)
      if (isReported && absent.length > 0) throw wrongValue(`not banned: ${repr(absent)}`)
      return lifted
    })
  },
  addaction(jail, command) {
    const name = textAt(command, 2)
    const python = command.length > 3 ? { file: textAt(command, 3), options: jsonOf(word(command, 4)) } : undefined
    return jailPlan('change', jail, async (found) => {
      await found.addAction(name, python)
      return name
    })
  },
  delaction(jail, command) {
    const name = textAt(command, 2)
    return jailPlan('change', jail, async (found) => {
      await found.deleteAction(name)
      return null
    })
  },
  action(jail, command) {
    const [name, key] = [textAt(command, 2), textAt(command, 3)]
    const value = command[4]
    return jailPlan('change', jail, (found) => setProperty(found.action(name), key, value))
  },
}

function planActionProperties(jail: string, command: Command): Plan {
  const name = textAt(command, 2)
  const properties = listsAt(command, 3)
  return jailPlan('change', jail, async (found) => {
    const action = found.action(name)
    for (const property of properties) await setProperty(action, textAt(property, 0), property[1])
    return true
  })
}

/** A method is called with arguments by name, everything else is set. */
function setProperty(action: ControlledAction, key: string, value: PyValue | undefined): Promise<PyValue> {
  if (!action.methods().includes(key)) return action.set(key, word(value === undefined ? [] : [value], 0))
  if (action.call === undefined)
    throw invalidCommand(`Cannot call ${key}: actions of this server run by themselves, not by command`)
  return action.call(key, value === undefined ? {} : jsonOf(value))
}

function noAttribute(value: PyValue, attribute: string): CommandError {
  return new CommandError('builtins.AttributeError', `'${typeName(value)}' object has no attribute '${attribute}'`)
}
