import { fail2banLevel } from '../lib/version.js'
import { floatOf, listOf, listsAt, textAt, textOf, word, wrongType, wrongValue } from './arguments.js'
import { type Command, CommandError, invalidCommand, type ReloadRequest, unknownJail } from './fail2ban-server.js'
import { planGet } from './get-commands.js'
import { type Plan, plan } from './plan.js'
import { planMultiSet, planSet } from './set-commands.js'
import { planStatistics, planStatus, type StatusContext } from './status-commands.js'

export interface CommandContext extends StatusContext {
  /** Resolves after so long. */
  sleep(ms: number): Promise<void>
}

/** A script that waits longer is broken; it would only hold its connection. */
const sleepSecondsMax = 3600

/** What a command means (spec 7.3). Throws `CommandError` when its words are wrong, before anything happens. */
export function planOf(command: Command, context: CommandContext): Plan {
  const name = word(command, 0)
  const planFor = typeof name === 'string' && Object.hasOwn(plans, name) ? plans[name] : undefined
  if (planFor === undefined) throw invalidCommand('Invalid command')
  return planFor(command, context)
}

const plans: Readonly<Record<string, (command: Command, context: CommandContext) => Plan>> = {
  ping: () => plan('read', () => 'pong'),
  version: () => plan('read', () => fail2banLevel),
  echo: (command) => plan('read', () => command.slice(1)),
  'server-status': () => plan('read', () => 'Server ready'),
  status: planStatus,
  stats: planStatistics,
  statistic: planStatistics,
  statistics: planStatistics,
  banned: planBanned,
  get: (command) => planGet(command.slice(1)),
  unban: planUnban,
  add: planAdd,
  start: (command) => {
    const name = jailName(word(command, 1))
    return plan('change', (server) => done(server.startJail(name)))
  },
  stop: planStop,
  set: (command) => planSet(command.slice(1)),
  'multi-set': (command) => planMultiSet(command.slice(1)),
  reload: planReload,
  'server-stream': (command) => {
    const stream = listsAt(command, 1)
    return plan('change', (server) => done(server.takeStream(stream)))
  },
  'config-error': (command) => {
    const text = textAt(command, 1)
    return plan('change', (server) => {
      server.configError(text)
      return null
    })
  },
  flushlogs: () => plan('change', (server) => server.flushLogs()),
  sleep: planSleep,
}

/** Without addresses: all bans by jail; else for each address the jails that ban it. */
function planBanned(command: Command): Plan {
  const ids = command.slice(1).map(textOf)
  return plan('read', (server) => {
    const jails = server.jailNames().map((name) => server.jail(name))
    if (ids.length === 0) return jails.map((jail) => ({ [jail.name]: jail.banned().map(({ id }) => id) }))
    return ids.map((id) => jails.filter((jail) => jail.isBanned(id)).map(({ name }) => name))
  })
}

function planUnban(command: Command): Plan {
  if (command.length < 2) throw invalidCommand('Invalid command')
  const ids = command.slice(1).map(textOf)
  return plan('ban', (server) => server.unban(ids.length === 1 && ids[0] === '--all' ? 'all' : ids))
}

function planAdd(command: Command): Plan {
  const name = textAt(command, 1)
  const backend = command.length > 2 ? textAt(command, 2) : 'auto'
  if (name === '--all') throw invalidCommand("Reserved name '--all'")
  return plan('change', async (server) => {
    await server.addJail(name, backend)
    return name
  })
}

function planStop(command: Command): Plan {
  if (command.length === 1) return plan('change', (server) => done(server.stop()))
  if (command[1] === '--all') return plan('change', (server) => done(server.stopAllJails()))
  const name = jailName(word(command, 1))
  return plan('change', (server) => done(server.stopJail(name)))
}

function planReload(command: Command): Plan {
  const name = word(command, 1)
  const options = listOf(word(command, 2))
  const request: ReloadRequest = {
    jail: name === '--all' ? undefined : jailName(name),
    unban: options.includes('--unban'),
    restart: options.includes('--restart'),
    ifExists: options.includes('--if-exists'),
    stream: listsAt(command, 3),
  }
  return plan('change', async (server) => {
    await server.reload(request)
    return 'OK'
  })
}

function planSleep(command: Command, { sleep }: CommandContext): Plan {
  const seconds = floatOf(word(command, 1))
  if (seconds < 0) throw wrongValue('sleep length must be non-negative')
  if (!(seconds <= sleepSecondsMax)) throw wrongValue(`sleep length must be at most ${sleepSecondsMax} seconds`)
  return plan('inspect', () => done(sleep(seconds * 1000)))
}

/** Jails are known by texts only. */
function jailName(value: Command[number]): string {
  if (typeof value === 'string') return value
  if (typeof value === 'object' && value !== null) throw wrongType('unhashable type')
  throw new CommandError(unknownJail('').exception, value)
}

async function done(work: Promise<void>): Promise<null> {
  await work
  return null
}
