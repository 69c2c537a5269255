import { appendFileSync, existsSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import path from 'node:path'
import type { OwnSettings } from '../../../config/own-settings.js'
import { loadServerSettings } from '../../../config/settings.js'
import { pathsOf } from '../../../daemon/paths.js'
import { FleetDir } from '../../../fleet/enrolment/fleet-dir.js'
import { textOfPlace } from '../../../fleet/nats/broker-urls.js'
import { brokerStateDir } from '../../../fleet/nats/managed.js'
import { messageOf } from '../../../lib/error-message.js'
import { configDir } from '../../config-dir.js'
import { CommandFailure, exit } from '../../context.js'
import { problemText } from '../../problem-text.js'

/** Where the fleet's commands work. */
export interface Place {
  configDir: string
  dir: FleetDir
  settings: OwnSettings['fleet']
  /** Undefined: bans are kept in memory only. */
  database: string | undefined
  /** Of the broker that this machine runs. */
  stateDir: string
}

export function placeOf(given: string | undefined): Place {
  const where = configDir(given)
  const { settings, problems } = loadServerSettings(where)
  if (settings === undefined) throw new CommandFailure(problems.map(problemText).join('\n'), exit.config)
  const dir = new FleetDir(where)
  const { database } = pathsOf({ ...settings.server, apiSocket: settings.own.api.socket })
  const stateDir = brokerStateDir(dir, database)
  return { configDir: where, dir, settings: settings.own.fleet, database, stateDir }
}

/** Adds a `[fleet]` section to tocsin.local; false: there is one already, which is left alone. */
export function addFleetSection(configDir: string, lines: Readonly<Record<string, string>>): boolean {
  const file = path.join(configDir, 'tocsin.local')
  const isThere = existsSync(file)
  const known = isThere ? readFileSync(file, 'utf8') : ''
  if (/^\[fleet\]/m.test(known)) return false
  const gap = known === '' ? '' : known.endsWith('\n') ? '\n' : '\n\n'
  const text = Object.entries(lines).map(([key, value]) => `${key} = ${value}\n`)
  try {
    appendFileSync(file, `${gap}[fleet]\n${text.join('')}`)
  } catch (error) {
    takeBack(file, isThere ? Buffer.byteLength(known) : undefined)
    throw new CommandFailure(`Cannot write ${file}: ${messageOf(error)}`)
  }
  return true
}

/** A full disk may have taken half of what was written: as it was before. Undefined: it was not there. */
function takeBack(file: string, bytes: number | undefined): void {
  try {
    if (bytes === undefined) rmSync(file, { force: true })
    else truncateSync(file, bytes)
  } catch {
    // Who may not write has changed nothing.
  }
}

/** Whether the configuration says all of these lines already. */
export function isSaid({ settings }: Place, lines: Readonly<Record<string, string>>): boolean {
  const { transport, server, path: file, listen, enrol } = settings
  const said: Record<string, string | undefined> = {
    transport,
    server,
    path: file,
    listen: listen && textOfPlace(listen),
    enrol: enrol && textOfPlace(enrol),
  }
  return Object.entries(lines).every(([key, value]) => said[key] === value)
}

/** A room's error is a sentence for whoever typed the command. */
export async function told<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof CommandFailure) throw error
    throw new CommandFailure(messageOf(error))
  }
}
