import type { Log } from '../lib/log.js'
import { type PyTuple, type PyValue, repr, tuple } from '../lib/python-repr.js'
import { textAt } from './arguments.js'
import { cymruInfo, type ResolveTxt } from './cymru.js'
import { type Command, type ControlledJail, type Fail2banServer, invalidCommand } from './fail2ban-server.js'
import { inOrderOfBan } from './get-commands.js'
import { type Plan, plan } from './plan.js'

export interface StatusContext {
  log: Log
  resolveTxt: ResolveTxt
}

const flavors = ['short', 'basic', 'stats', 'cymru']

/** `status`, `status J [flavor]`, `status --all [flavor]`. NOTE: clients know figures by their place and by these very words. */
export function planStatus(command: Command, context: StatusContext): Plan {
  if (command.length > 3) throw invalidCommand('Invalid command (no status)')
  if (command.length === 1) return plan('read', overview)
  const name = textAt(command, 1)
  const flavor = command.length > 2 ? textAt(command, 2) : 'basic'
  if (name !== '--all') return plan('read', (server) => jailStatus(server.jail(name), flavor, context))
  if (flavor === 'stats') return planStatistics()
  return plan('read', async (server) => [...overview(server), await statusOfAll(server, flavor, context)])
}

/** `{J: [backend, (failed now, in all), (banned now, in all)]}` */
export function planStatistics(): Plan {
  return plan('read', (server) =>
    Object.fromEntries(sortedNames(server).map((name) => [name, statistics(server.jail(name))])),
  )
}

function overview(server: Fail2banServer): PyTuple[] {
  const names = sortedNames(server)
  return [tuple('Number of jail', names.length), tuple('Jail list', names.join(', '))]
}

function sortedNames(server: Fail2banServer): string[] {
  return [...server.jailNames()].sort()
}

async function statusOfAll(server: Fail2banServer, flavor: string, context: StatusContext): Promise<PyValue> {
  const statuses: [string, PyValue][] = []
  for (const name of sortedNames(server)) statuses.push([name, await jailStatus(server.jail(name), flavor, context)])
  return Object.fromEntries(statuses)
}

async function jailStatus(jail: ControlledJail, flavor: string, context: StatusContext): Promise<PyValue> {
  if (!flavors.includes(flavor)) {
    const text = `Unsupported extended jail status flavor ${repr(flavor)}. Supported: ${repr(flavors)}`
    context.log.write('WARNING', 'actions', text)
  }
  if (flavor === 'stats') return statistics(jail)
  return [tuple('Filter', filterStatus(jail)), tuple('Actions', await actionStatus(jail, flavor, context))]
}

function filterStatus(jail: ControlledJail): PyTuple[] {
  const { currentlyFailed, totalFailed, files, journalMatches } = jail.status()
  const status = [tuple('Currently failed', currentlyFailed), tuple('Total failed', totalFailed)]
  if (journalMatches !== undefined) return [...status, tuple('Journal matches', [journalMatches.join(' + ')])]
  return files === undefined ? status : [...status, tuple('File list', files)]
}

async function actionStatus(jail: ControlledJail, flavor: string, context: StatusContext): Promise<PyTuple[]> {
  const { currentlyBanned, totalBanned } = jail.status()
  if (flavor === 'short') return [tuple('Currently banned', currentlyBanned), tuple('Total banned', totalBanned)]
  const ids = inOrderOfBan(jail).map(({ id }) => id)
  const status = [
    tuple('Currently banned', ids.length),
    tuple('Total banned', totalBanned),
    tuple('Banned IP list', ids),
  ]
  if (flavor !== 'cymru') return status
  const { asns, countries, registries } = await cymruInfo(ids, context)
  return [
    ...status,
    tuple('Banned ASN list', asns),
    tuple('Banned Country list', countries),
    tuple('Banned RIR list', registries),
  ]
}

function statistics(jail: ControlledJail): PyValue {
  const { currentlyFailed, totalFailed, currentlyBanned, totalBanned } = jail.status()
  return [jail.backend, tuple(currentlyFailed, totalFailed), tuple(currentlyBanned, totalBanned)]
}
