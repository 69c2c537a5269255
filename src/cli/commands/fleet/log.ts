import { fleetStateFiles } from '../../../daemon/fleet/fleet-paths.js'
import type { AuditLine } from '../../../fleet/audit-entry.js'
import { readAudit } from '../../../fleet/audit-reader.js'
import { anybody } from '../../../fleet/member.js'
import { CommandFailure, type CommonFlags, type Context, exit, print, printJson } from '../../context.js'
import { colour, countText, harmless, timeText } from '../../render.js'
import { placeOf, told } from './place.js'

export interface LogFlags extends CommonFlags {
  node?: string
  refused?: boolean
  lines?: string
}

const linesByDefault = 50
const linesMax = 100_000

/** What others have told this machine, and what became of it, the newest last. */
export async function log(this: Context, { node, refused, lines: wanted, config, json }: LogFlags): Promise<void> {
  const { dir, database, settings } = placeOf(config)
  const countMax = wanted === undefined ? linesByDefault : Number(wanted)
  if (!Number.isInteger(countMax) || countMax < 1 || countMax > linesMax)
    throw new CommandFailure(`-n ${harmless(wanted ?? '')} is no number of lines from 1 to ${linesMax}`, exit.usage)
  if (settings.transport !== 'file' && (await told(() => dir.facts())) === undefined)
    throw new CommandFailure(`This machine is in no fleet: there is no ${dir.at('fleet.json')}`)
  const { audit } = fleetStateFiles(dir, database)
  const options = { refusedOnly: refused === true, countMax, ...(node !== undefined && { node }) }
  const lines = await told(() => readAudit(audit, options))
  if (json) printJson(this, lines)
  else print(this, lines.length === 0 ? `Nothing of that kind is in ${audit}` : lines.map(lineText).join('\n'))
}

/** Parts of it are what strangers have sent. */
function lineText(line: AuditLine): string {
  const { timeMs, outcome, node, isProven, kind, ip, jail, untilMs, subject, reason, detail, more, sinceMs } = line
  const who = node === undefined ? 'somebody' : isProven || node === anybody.name ? node : `somebody as ${node}`
  const what =
    kind === undefined
      ? subject === ''
        ? undefined
        : subject
      : [kind, ip, jail && `in ${jail}`].filter(Boolean).join(' ')
  const until = untilMs === undefined ? '' : ` until ${timeText(untilMs)}`
  const count = more === undefined ? '' : `${countText(more)} more since ${timeText(sinceMs ?? timeMs)}`
  const why = [reason, detail].filter(Boolean).join(': ')
  const text = [who, `${what ?? ''}${until}${count}`, why && `(${why})`].filter(Boolean).join(' ')
  const paint = outcome === 'accepted' || outcome === 'released' ? colour.good : colour.bad
  return `${timeText(timeMs)} ${paint(outcome.padEnd(8))} ${harmless(text)}`
}
