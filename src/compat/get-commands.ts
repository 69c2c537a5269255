import { noSuchGet } from '../domain/fail2ban-words.js'
import { localDateTime } from '../lib/log-writer.js'
import type { PyValue } from '../lib/python-repr.js'
import { textAt, textOf, typeName, word } from './arguments.js'
import { type BannedId, type Command, CommandError, type ControlledJail, invalidCommand } from './fail2ban-server.js'
import { type CommandKind, type Plan, plan } from './plan.js'

const serverSettings = /^(?:loglevel|logtarget|syslogsocket|thread|dbfile|dbmaxmatches|dbpurgeage)$/
const jailOptions =
  /^(?:logpath|logencoding|journalmatch|ignoreself|ignoreip|ignorecommand|ignorecache|prefregex|failregex|ignoreregex|usedns|findtime|datepattern|logtimezone|maxmatches|maxretry|maxlines|bantime|bantime\..*)$/s

/** `get …`, without its first word. */
export function planGet(command: Command): Plan {
  const target = word(command, 0)
  if (typeof target === 'string' && serverSettings.test(target)) return plan('read', (server) => server.get(target))
  const option = word(command, 1)
  if (typeof option !== 'string')
    throw new CommandError('builtins.AttributeError', `'${typeName(option)}' object has no attribute 'startswith'`)
  const planFor = Object.hasOwn(queries, option) ? queries[option] : undefined
  if (planFor !== undefined) return planFor(textOf(target), command)
  if (!jailOptions.test(option)) throw invalidCommand(noSuchGet())
  return jailPlan('read', textOf(target), (jail) => jail.get(option))
}

function jailPlan(kind: CommandKind, jail: string, read: (jail: ControlledJail) => PyValue): Plan {
  return plan(kind, (server) => read(server.jail(jail)))
}

const queries: Readonly<Record<string, (jail: string, command: Command) => Plan>> = {
  banned(jail, command) {
    const ids = command.slice(2).map(textOf)
    return jailPlan('read', jail, (found) => {
      if (ids.length === 0) return inOrderOfBan(found).map(({ id }) => id)
      const [first, ...others] = ids.map((id) => (found.isBanned(id) ? 1 : 0))
      return others.length === 0 ? (first ?? 0) : [first ?? 0, ...others]
    })
  },
  banip(jail, command) {
    const isTimed = command[2] === '--with-time'
    return jailPlan('read', jail, (found) => found.banned().map(isTimed ? timedPrinter() : ({ id }) => id))
  },
  actions: (jail) => jailPlan('read', jail, (found) => found.actions()),
  actionproperties(jail, command) {
    const name = textAt(command, 2)
    return jailPlan('read', jail, (found) => found.action(name).properties())
  },
  actionmethods(jail, command) {
    const name = textAt(command, 2)
    return jailPlan('read', jail, (found) => found.action(name).methods())
  },
  action(jail, command) {
    const [name, property] = [textAt(command, 2), textAt(command, 3)]
    return jailPlan('inspect', jail, (found) => found.action(name).get(property))
  },
}

/** As `status` and `banned` show them. Usually all last equally long, and this finds them sorted. */
export function inOrderOfBan(jail: ControlledJail): BannedId[] {
  return [...jail.banned()].sort((a, b) => a.startMs - b.startMs)
}

/** `192.0.2.1 \t2026-11-21 01:51:21 + 3600 = 2026-11-21 02:51:21` */
function timedPrinter(): (ban: BannedId) => string {
  const [startText, endText] = [timePrinter(), timePrinter()]
  return ({ id, startMs, durationMs }) => {
    const seconds = durationMs === undefined ? -1 : Math.trunc(durationMs / 1000)
    const endMs = durationMs === undefined ? Number.POSITIVE_INFINITY : startMs + durationMs
    return `${id} \t${startText(startMs)} + ${seconds} = ${endMs < endOfTimeMs ? endText(endMs) : endOfTime}`
  }
}

const endOfTime = '9999-12-31 23:59:59'
const endOfTimeMs = Date.UTC(9999, 11, 31)

/** Remembers the last minute: in a list in order of time, neighbours share it (a million lines: 1.8 s of CPU instead of 6). */
function timePrinter(): (timeMs: number) => string {
  let lastMinute = Number.NaN
  let text = ''
  return (timeMs) => {
    const second = Math.floor(timeMs / 1000)
    const minute = Math.floor(second / 60)
    if (minute !== lastMinute) text = localDateTime(minute * 60_000).slice(0, -2)
    lastMinute = minute
    const past = second - minute * 60
    return text + (past < 10 ? `0${past}` : past)
  }
}
