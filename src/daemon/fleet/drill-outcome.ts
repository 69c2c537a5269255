import type { FleetDrillOutcome } from '../../api/fleet-operations.js'
import type { DrillOrder } from '../../fleet/calls/call.js'
import type { Answered } from '../../fleet/calls/calling.js'
import type { NodeName } from '../../fleet/word.js'

export interface DrillAnswers {
  self: NodeName
  own: Answered
  answers: ReadonlyMap<NodeName, Answered>
  expected: ReadonlySet<NodeName>
}

/** Who had it after how long, by the clock of whoever has asked. */
export function drillOutcome(
  { ip, forMs }: DrillOrder,
  { self, own, answers, expected }: DrillAnswers,
): FleetDrillOutcome {
  const names = [...new Set([self, ...[...new Set([...expected, ...answers.keys()])].sort()])]
  const machines = names.map((name) => machineOf(name, name === self ? own : answers.get(name)))
  const closedMs = machines.flatMap(({ result, ms }) => (result === 'closed' && ms !== null ? [ms] : []))
  const sorted = closedMs.sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null
  return { ip: ip.text, forMs, machines, p50Ms: at(0.5), p99Ms: at(0.99), worstMs: at(1) }
}

function machineOf(name: NodeName, answered: Answered | undefined): FleetDrillOutcome['machines'][number] {
  const { drill, afterMs, tookMs } = answered ?? {}
  // An answer without a word of the drill is by a machine that does not know what that is.
  if (drill === undefined || afterMs === undefined || tookMs === undefined)
    return { name, result: 'missing', ms: null, tookMs: null, reason: null }
  const reason = drill.result === 'refused' ? drill.reason : null
  return { name, result: drill.result, ms: rounded(afterMs), tookMs: rounded(tookMs), reason }
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100
}
