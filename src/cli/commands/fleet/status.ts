import { ask } from '../../../api/client.js'
import type { FleetView } from '../../../api/fleet-operations.js'
import { type CommonFlags, type Context, print, printJson } from '../../context.js'
import { daemonSocket } from '../../daemon-socket.js'
import { colour, countText, durationText, harmless, table, timeText } from '../../render.js'
import { modeText } from './mode.js'

/** The fleet as this machine's daemon knows it. */
export async function status(this: Context, flags: CommonFlags): Promise<void> {
  const view = await ask<FleetView>(daemonSocket(flags.config), '/v1/fleet')
  if (flags.json) printJson(this, view)
  else print(this, textOf(view, Date.now()))
}

function textOf(view: FleetView, nowMs: number): string {
  const { fleet, name, connected, words, members } = view
  const way = connected ? colour.good(wayText(view)) : colour.bad('no way to the others at present')
  const heading = ['Member', 'Level', 'Since', 'Words', 'Last heard', ''].map((text) => colour.bold(text))
  const rows = members.map((member) => [
    member.name,
    member.level,
    timeText(member.sinceMs),
    countText(member.words),
    heardText(member, name, nowMs),
    troubleText(member),
  ])
  return [
    `Fleet ${fleet} as ${name}: ${way}; ${countText(words)} words known`,
    ...modeLines(view),
    '',
    table([heading, ...rows]),
  ].join('\n')
}

/** Nothing where it is as ever. */
function modeLines({ mode, wouldBan }: FleetView): string[] {
  if (mode.mode === 'enforce') return []
  const count = mode.mode === 'simulate' ? `; ${countText(wouldBan)} would be banned` : ''
  return [colour.bad(`${modeText(mode)}${count}`)]
}

function wayText({ transport, url, server, lagMs, lines }: FleetView): string {
  const where = harmless(url ?? '')
  if (transport === 'nats') {
    const lag = lagMs === null ? '' : `, which took our last word in ${lagMs} ms`
    return `connected to ${where} (nats-server ${harmless(server ?? '')})${lag}`
  }
  const lag = lagMs === null ? '' : `, our last line was there in ${lagMs} ms`
  const counts = Object.entries(lines ?? {}).filter(([, count]) => count > 0)
  return `sharing ${where}${lag}; lines: ${counts.map(([what, count]) => `${count} ${what}`).join(', ') || 'none'}`
}

type MemberView = FleetView['members'][number]

function heardText({ name, lastHeardMs }: MemberView, self: string, nowMs: number): string {
  if (name === self) return 'this machine'
  return lastHeardMs === null ? 'never' : `${durationText(nowMs - lastHeardMs)} ago`
}

function troubleText({ revokedAtMs, quarantine, mistrustedUntilMs }: MemberView): string {
  if (revokedAtMs !== null) return colour.bad('revoked')
  if (quarantine === null && mistrustedUntilMs !== null)
    return colour.bad(`counts only with others until ${timeText(mistrustedUntilMs)} (canary)`)
  if (quarantine === null) return ''
  const until = quarantine.untilMs === null ? '' : ` until ${timeText(quarantine.untilMs)}`
  return colour.bad(`in quarantine (${quarantine.cause})${until}`)
}
