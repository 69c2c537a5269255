import { ask } from '../../api/client.js'
import type { AuditView } from '../../api/operations.js'
import { type CommonFlags, type Context, exit, print, printJson } from '../context.js'
import { daemonSocket } from '../daemon-socket.js'
import { colour, countText, harmless } from '../render.js'

export interface AuditFlags extends CommonFlags {
  repair?: boolean
}

export async function audit(this: Context, flags: AuditFlags): Promise<void> {
  const found = await ask<AuditView>(daemonSocket(flags.config), '/v1/audit', { repair: flags.repair === true })
  if (flags.json) printJson(this, found)
  else print(this, auditText(found))
  if (found.enforced < found.wanted || found.foreign > found.removed || found.trouble !== undefined)
    this.process.exitCode = exit.failed
}

function auditText(found: AuditView): string {
  const { wanted, enforced, findings, durationMs } = found
  const isGood = enforced === wanted && found.trouble === undefined
  const summary = `Enforced ${countText(enforced)} of ${countText(wanted)}, looked at in ${durationMs} ms`
  const lines = findings.map((finding) => `  ${harmless(finding)}`)
  const left = found.foreign - found.removed
  if (left > 0) lines.push(`  'tocsin audit --repair' removes what nobody wants`)
  return [isGood ? colour.good(summary) : colour.bad(summary), ...lines].join('\n')
}
