import { ask } from '../../api/client.js'
import type { ProtectedView } from '../../api/operations.js'
import { type CommonFlags, type Context, print, printJson } from '../context.js'
import { daemonSocket } from '../daemon-socket.js'
import { colour, durationText, harmless, table, timeText } from '../render.js'

/** Refusals that are shown to people; `--json` has all that are remembered. */
const refusedShownMax = 20

export async function showProtected(this: Context, flags: CommonFlags): Promise<void> {
  const view = await ask<ProtectedView>(daemonSocket(flags.config), '/v1/protected')
  if (flags.json) printJson(this, view)
  else print(this, viewText(view))
}

function viewText(view: ProtectedView): string {
  const parts = [heldText(view), trialText(view), guardedText(view), refusedText(view)]
  return parts.filter(Boolean).join('\n\n')
}

function heldText({ heldBack }: ProtectedView): string {
  return heldBack
    .map(({ jail, sinceMs, reason, count }) =>
      colour.bad(
        `${jail} holds back since ${timeText(sinceMs)}: ${harmless(reason)}; ${count} new bans are not enforced. If they are right: tocsin resume ${jail}`,
      ),
    )
    .join('\n')
}

function trialText({ trials }: ProtectedView): string {
  return trials
    .map(({ number, ip, jail, untilMs }) =>
      colour.careful(
        `${harmless(ip)} in ${jail} is undone in ${durationText(untilMs - Date.now())}, unless: tocsin confirm ${number}`,
      ),
    )
    .join('\n')
}

function guardedText({ protected: guarded, more }: ProtectedView): string {
  const heading = headingOf('Never banned', 'Since', 'Why')
  const rows = guarded.map(({ network, reason, sinceMs }) => [
    network,
    sinceMs === undefined ? '' : timeText(sinceMs),
    harmless(reason),
  ])
  return table([heading, ...rows]) + (more > 0 ? `\n… and ${more} more` : '')
}

function refusedText({ refused }: ProtectedView): string {
  if (refused.length === 0) return ''
  const rows = refused
    .slice(0, refusedShownMax)
    .map(({ ip, jail, count, lastMs, reason }) => [
      harmless(ip),
      jail,
      `${timeText(lastMs)}${count > 1 ? `, ${count} times` : ''}`,
      harmless(reason),
    ])
  return table([headingOf('Refused', 'Jail', 'Last', 'Why'), ...rows])
}

function headingOf(...words: string[]): string[] {
  return words.map((word) => colour.bold(word))
}
