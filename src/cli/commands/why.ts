import { ask } from '../../api/client.js'
import type { Explanation } from '../../api/operations.js'
import { type CommonFlags, type Context, exit, print, printJson } from '../context.js'
import { daemonSocket } from '../daemon-socket.js'
import { bytesText, colour, durationText, harmless, timeText } from '../render.js'

export async function why(this: Context, flags: CommonFlags, ip: string): Promise<void> {
  const explanation = await ask<Explanation>(daemonSocket(flags.config), `/v1/why/${encodeURIComponent(ip)}`)
  if (flags.json) printJson(this, explanation)
  else print(this, explanationText(explanation))
  if (explanation.bans.length + explanation.heldBack.length === 0 && explanation.protection === undefined)
    this.process.exitCode = exit.failed
}

function explanationText({ ip, protection, heldBack, bans }: Explanation): string {
  const lines = bans.flatMap(banText)
  for (const { jail, reason } of heldBack)
    lines.unshift(
      colour.bad(`${harmless(ip)} is not banned, for ${jail} holds back: ${harmless(reason)}; see tocsin protected`),
    )
  if (protection !== undefined) lines.unshift(`${harmless(ip)} can not be banned: ${harmless(protection)}`)
  return lines.length === 0 ? `${harmless(ip)} is not banned, and no ban of it is on record` : lines.join('\n')
}

function banText(ban: Explanation['bans'][number]): string[] {
  const until = ban.endMs === null ? 'for good' : `until ${timeText(ban.endMs)}`
  const state = ban.live ? colour.bad(ban.enforced ? 'banned' : 'banned, not enforced') : colour.dim('was banned')
  const left = ban.live && ban.endMs !== null ? ` (${durationText(ban.endMs - Date.now())} left)` : ''
  const failures = `after ${ban.failures} failure${ban.failures === 1 ? '' : 's'}`
  // None: by the word of another machine, or a network for its members. Then the line says so.
  const cause = ban.origin === 'operator' ? ', by an operator' : ban.failures > 0 ? `, ${failures}` : ''
  const drops = ban.drops === undefined ? [] : [`  dropped ${ban.drops.packets} packets, ${bytesText(ban.drops.bytes)}`]
  return [
    `${harmless(ban.ip)} ${state} in ${ban.jail} since ${timeText(ban.startMs)} ${until}${left}${cause}`,
    ...drops,
    ...ban.lines.map((line) => colour.dim(`  ${harmless(line)}`)),
  ]
}
