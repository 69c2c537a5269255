import { ask } from '../../../api/client.js'
import type { FleetDrillOutcome } from '../../../api/fleet-operations.js'
import { parseDurationMs } from '../../../config/duration.js'
import { CommandFailure, type CommonFlags, type Context, exit, print, printJson } from '../../context.js'
import { daemonSocket } from '../../daemon-socket.js'
import { colour, durationText, harmless, table } from '../../render.js'

export interface DrillFlags extends CommonFlags {
  for?: string
}

const forMsByDefault = 10_000

/** Bans an address of nobody's on every machine for a moment, and shows how long that takes. Exit 1 when it is not in the kernel of some. */
export async function drill(this: Context, flags: DrillFlags): Promise<void> {
  const outcome = await ask<FleetDrillOutcome>(daemonSocket(flags.config), '/v1/fleet/drill', { forMs: forMsOf(flags) })
  if (flags.json) printJson(this, outcome)
  else print(this, textOf(outcome))
  const isLacking = outcome.machines.some(({ result }) => result === 'missing' || result === 'refused')
  if (isLacking) this.process.exitCode = exit.failed
}

function forMsOf({ for: text }: DrillFlags): number {
  const durationMs = text === undefined ? forMsByDefault : parseDurationMs(text)
  if (durationMs !== undefined && durationMs >= 1000 && durationMs <= 60_000) return durationMs
  throw new CommandFailure(`--for ${harmless(text ?? '')} is not a time from 1s to 60s`, exit.usage)
}

function textOf({ ip, forMs, machines, p50Ms, p99Ms, worstMs }: FleetDrillOutcome): string {
  const heading = ['Machine', 'In the kernel after', 'There', ''].map((text) => colour.bold(text))
  const rows = machines.map((machine) => {
    const isClosed = machine.result === 'closed'
    return [
      machine.name,
      isClosed ? msText(machine.ms) : '',
      isClosed ? msText(machine.tookMs) : '',
      doubtText(machine),
    ]
  })
  const closed = machines.filter(({ result }) => result === 'closed').length
  const count = `${closed} of ${machines.length} machines have it in the kernel`
  const times = closed === 0 ? '' : `: p50 ${msText(p50Ms)}, p99 ${msText(p99Ms)}, worst ${msText(worstMs)}`
  const verdict = closed === machines.length ? colour.good(count) : colour.bad(count)
  return [`${ip} is banned for ${durationText(forMs)}`, '', table([heading, ...rows]), '', `${verdict}${times}`].join(
    '\n',
  )
}

function doubtText({ result, reason }: FleetDrillOutcome['machines'][number]): string {
  switch (result) {
    case 'closed':
      return ''
    case 'simulated':
      return colour.careful('only simulates')
    case 'refused':
      return colour.bad(`refused: ${harmless(reason ?? '')}`)
    case 'missing':
      return colour.bad('missing: no answer')
    default:
      return result satisfies never
  }
}

function msText(ms: number | null): string {
  return `${ms === null ? '-' : ms < 100 ? ms.toFixed(1) : Math.round(ms)} ms`
}
