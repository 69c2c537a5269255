import { ask } from '../../api/client.js'
import type { BanView } from '../../api/operations.js'
import { type CommonFlags, type Context, exit, print, printJson } from '../context.js'
import { daemonSocket } from '../daemon-socket.js'
import { colour, durationText, harmless, table, timeText } from '../render.js'

export interface BannedFlags extends CommonFlags {
  jail?: string
}

export async function banned(this: Context, flags: BannedFlags, ip?: string): Promise<void> {
  const query = new URLSearchParams()
  if (ip !== undefined) query.set('ip', ip)
  if (flags.jail !== undefined) query.set('jail', flags.jail)
  const bans = await ask<BanView[]>(daemonSocket(flags.config), `/v1/bans?${query}`)
  if (flags.json) printJson(this, bans)
  else print(this, bans.length === 0 ? nobodyText(ip) : listText(bans))
  if (ip !== undefined && bans.length === 0) this.process.exitCode = exit.failed
}

function nobodyText(ip: string | undefined): string {
  return ip === undefined ? 'Nobody is banned' : `${harmless(ip)} is not banned`
}

function listText(bans: BanView[]): string {
  const heading = ['Address', 'Jail', 'Since', 'Until', 'Left'].map((text) => colour.bold(text))
  const rows = bans.map((ban) => [
    harmless(ban.ip),
    ban.jail,
    timeText(ban.startMs),
    timeText(ban.endMs),
    `${durationText(ban.endMs === null ? null : ban.endMs - Date.now())}${ban.enforced ? '' : colour.bad(' (not enforced)')}`,
  ])
  return table([heading, ...rows])
}
