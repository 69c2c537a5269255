import { ask } from '../../api/client.js'
import type { JailStatus, SourceStatus, Status } from '../../api/operations.js'
import { type CommonFlags, type Context, print, printJson } from '../context.js'
import { daemonSocket } from '../daemon-socket.js'
import { bytesText, colour, countText, durationText, harmless, table } from '../render.js'

export async function status(this: Context, flags: CommonFlags, jail?: string): Promise<void> {
  const socket = daemonSocket(flags.config)
  if (jail !== undefined) {
    const one = await ask<JailStatus>(socket, `/v1/jails/${encodeURIComponent(jail)}`)
    return flags.json ? printJson(this, one) : print(this, jailText(one))
  }
  const all = await ask<Status>(socket, '/v1/status')
  return flags.json ? printJson(this, all) : print(this, statusText(all))
}

function statusText(status: Status): string {
  const { enforcement, store, bans } = status
  const isSimulated = enforcement.kind === 'simulate'
  const enforced = isSimulated
    ? `${countText(bans.live)} bans, none enforced`
    : `enforced ${countText(bans.enforced)} of ${countText(bans.live)}`
  const lines = [
    `${colour.bold('tocsin')} ${status.version}, pid ${status.pid}, up ${durationText(Date.now() - status.startedMs)}, configuration ${status.configDir}`,
    `Enforcement: ${enforcement.kind} (${enforcement.reason}); ${bans.enforced === bans.live && !isSimulated ? colour.good(enforced) : colour.bad(enforced)}`,
    `Store: ${store.file ?? 'memory only'}`,
  ]
  if (status.fleet !== undefined) {
    const { fleet, name, connected, url, members, mode } = status.fleet
    const way = connected ? `connected to ${url}` : colour.bad('no way to the others at present')
    lines.push(
      `Fleet: ${fleet} as ${name}, ${members} members; ${way}${mode === 'enforce' ? '' : colour.bad(`; the mode is ${mode}`)}`,
    )
  }
  const audit = auditText(enforcement)
  if (audit !== undefined) lines.push(audit)
  for (const trouble of [enforcement.trouble, store.trouble])
    if (trouble !== undefined) lines.push(colour.bad(`Trouble: ${trouble}`))
  for (const { name, heldBack } of status.jails)
    if (heldBack !== undefined) lines.push(colour.bad(`${name} holds back: ${heldText(heldBack)}`))
  const rows = status.jails.map((jail) => [
    jail.name,
    `${jail.currentlyFailed}/${jail.totalFailed}`,
    `${jail.currentlyBanned}/${jail.totalBanned}`,
    jail.dropped === undefined ? '' : countText(jail.dropped.packets),
    jail.scope,
    readsText(jail),
    jail.quarantined.length === 0 ? '' : colour.bad(`${jail.quarantined.length} pattern(s) quarantined`),
  ])
  const heading = ['Jail', 'Failed now/total', 'Banned now/total', 'Packets dropped', 'Closes', 'Reads'].map((text) =>
    colour.bold(text),
  )
  return [...lines, '', rows.length === 0 ? 'No jail is enabled' : table([heading, ...rows])].join('\n')
}

function readsText({ counts, sources }: JailStatus): string {
  if (counts === 'bans') return 'bans of this machine'
  if (counts === 'fleet') return 'what the fleet tells'
  return sources.map(sourceText).join(', ') || 'no log yet'
}

function jailText(jail: JailStatus): string {
  const rule = `${jail.maxretry} failures in ${durationText(jail.findTimeMs)}, ban ${durationText(jail.banTimeMs)}`
  return table([
    ['Jail', jail.name],
    ['Filter', jail.filter || 'none'],
    ['Rule', rule],
    ['Closes', jail.scope],
    ['Currently failed', String(jail.currentlyFailed)],
    ['Total failed', String(jail.totalFailed)],
    ['Currently banned', String(jail.currentlyBanned)],
    ['Total banned', String(jail.totalBanned)],
    ...(jail.dropped ? [['Dropped', dropsText(jail.dropped)]] : []),
    ...jail.sources.map((source) => ['Reads', sourceText(source)]),
    ...(jail.heldBack ? [['Holds back', colour.bad(heldText(jail.heldBack))]] : []),
    ...jail.quarantined.map(({ pattern, place }) => ['Quarantined', colour.bad(`${harmless(pattern)} (${place})`)]),
  ])
}

function dropsText({ packets, bytes }: NonNullable<JailStatus['dropped']>): string {
  return `${countText(packets)} packets, ${bytesText(bytes)}`
}

/** What the last audit found, and what is wrong; undefined: there was none. */
function auditText({ audit, failures, foreignChanges }: Status['enforcement']): string | undefined {
  if (audit === undefined) return undefined
  const parts = audit.findings.length === 0 ? ['nothing wrong'] : audit.findings.map(harmless)
  if (foreignChanges > 0) parts.push(`others have changed our table ${countText(foreignChanges)} times`)
  if (failures > 0) parts.push(`${countText(failures)} calls have failed`)
  const text = parts.join('; ')
  const ago = durationText(Date.now() - audit.atMs)
  return `Audit ${ago} ago: ${audit.findings.length === 0 ? text : colour.careful(text)}`
}

function heldText({ reason, count, sinceMs }: NonNullable<JailStatus['heldBack']>): string {
  const since = durationText(Date.now() - sinceMs)
  return `${harmless(reason)}; for ${since} ${count} new bans are not enforced, see tocsin protected`
}

function sourceText({ path, state, linesSkippedTooLong }: SourceStatus): string {
  return `${path} (${state}${linesSkippedTooLong > 0 ? `, ${linesSkippedTooLong} lines too long` : ''})`
}
