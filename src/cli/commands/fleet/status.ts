import { setTimeout } from 'node:timers/promises'
import { ask } from '../../../api/client.js'
import type { FleetView } from '../../../api/fleet-operations.js'
import { messageOf } from '../../../lib/error-message.js'
import { type CommonFlags, type Context, exit, print, printJson } from '../../context.js'
import { daemonSocket } from '../../daemon-socket.js'
import { colour, countText, durationText, harmless, table, timeText } from '../../render.js'
import { modeText } from './mode.js'
import { jailHint } from './put-into-use.js'

export interface StatusFlags extends CommonFlags {
  watch?: boolean
}

const watchMs = 1000

/** The fleet as this machine's daemon knows it, which asks the others how they are. */
export async function status(this: Context, { watch: isWatched, ...flags }: StatusFlags): Promise<void> {
  if (isWatched) return watch(this, flags)
  const view = await viewOf(flags)
  if (flags.json) printJson(this, view)
  else print(this, textOf(view, Date.now()))
}

/** Until somebody ends it. At a terminal what was there before is cleared; as JSON it is one line each time. A daemon that is away is waited for. */
async function watch(context: Context, flags: CommonFlags): Promise<never> {
  // Whoever reads may have seen enough (`| head`).
  process.stdout.on('error', () => process.exit(exit.ok))
  const isScreen = process.stdout.isTTY && !flags.json
  for (;;) {
    const text = await viewOf(flags).then(
      (view) => (flags.json ? JSON.stringify(view) : textOf(view, Date.now())),
      (error) => troubleText(error, flags),
    )
    const lines = [colour.dim(timeText(Date.now())), text, ...(isScreen ? [] : [''])]
    print(context, flags.json ? harmless(text) : `${isScreen ? clearScreen : ''}${lines.join('\n')}`)
    await setTimeout(watchMs)
  }
}

/** ECMA-48: the cursor to the top, and nothing below it. */
const clearScreen = '\x1b[H\x1b[J'

function viewOf({ config }: CommonFlags): Promise<FleetView> {
  return ask<FleetView>(daemonSocket(config), '/v1/fleet?ask')
}

function troubleText(error: unknown, { json }: CommonFlags): string {
  const text = messageOf(error)
  return json ? JSON.stringify({ error: text }) : colour.bad(harmless(text))
}

function textOf(view: FleetView, nowMs: number): string {
  const { fleet, name, connected, words, members } = view
  const way = connected
    ? colour.good(wayText(view))
    : colour.bad(`no way to the others at present${view.trouble === null ? '' : `: ${harmless(view.trouble)}`}`)
  const titles = ['Member', 'Level', 'Version', 'Enforced', 'Lag', 'Words', 'Last heard', '']
  const rows = members.map((member) => [
    member.name,
    member.level,
    harmless(member.version ?? '-'),
    enforcedText(member),
    member.lagMs === null ? '-' : `${member.lagMs.toFixed(1)} ms`,
    countText(member.words),
    heardText(member, name, nowMs),
    doubtText(member),
  ])
  return [
    `Fleet ${fleet} as ${name}: ${way}; ${countText(words)} word${words === 1 ? '' : 's'} known`,
    ...modeLines(view),
    ...refusedLines(view),
    ...(view.jails.length === 0 ? [colour.careful(jailHint)] : []),
    '',
    table([titles.map((text) => colour.bold(text)), ...rows]),
  ].join('\n')
}

function enforcedText({ live, enforced, simulates }: MemberView): string {
  if (live === null || enforced === null) return '-'
  if (simulates) return colour.careful(`none of ${countText(live)}, simulates`)
  const text = `${countText(enforced)} of ${countText(live)}`
  return enforced === live ? text : colour.bad(text)
}

/** Nothing where it is as ever. */
function modeLines({ mode, wouldBan }: FleetView): string[] {
  if (mode.mode === 'enforce') return []
  const count = mode.mode === 'simulate' ? `; ${countText(wouldBan)} would be banned` : ''
  return [colour.bad(`${modeText(mode)}${count}`)]
}

/** Nothing where nothing was refused. */
function refusedLines({ heard: { refused } }: FleetView): string[] {
  const counts = Object.entries(refused).sort(([, a], [, b]) => b - a)
  if (counts.length === 0) return []
  const reasons = counts.map(([reason, count]) => `${countText(count)} ${harmless(reason)}`).join(', ')
  return [colour.careful(`Refused since the start: ${reasons}; see tocsin fleet log --refused`)]
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

function doubtText(member: MemberView): string {
  const { revokedAtMs, quarantine, mistrustedUntilMs, mode } = member
  if (revokedAtMs !== null) return colour.bad('revoked')
  if (quarantine === null && mistrustedUntilMs !== null)
    return colour.bad(`counts only with others until ${timeText(mistrustedUntilMs)} (canary)`)
  if (quarantine === null) return mode === null || mode === 'enforce' ? '' : colour.bad(`mode ${mode}`)
  const until = quarantine.untilMs === null ? '' : ` until ${timeText(quarantine.untilMs)}`
  return colour.bad(`in quarantine (${quarantine.cause})${until}`)
}
