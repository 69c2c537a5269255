import type { FleetView } from '../../api/fleet-operations.js'
import type { FleetFacts } from '../../fleet/enrolment/fleet-dir.js'
import type { Member } from '../../fleet/member.js'
import { joinSkewMs, type Roster } from '../../fleet/roster.js'
import type { Sequences } from '../../fleet/sequence.js'
import type { Transport } from '../../fleet/transport.js'
import type { Judge } from '../../fleet/trust/judge.js'
import type { NodeName } from '../../fleet/word.js'

export interface ViewOptions {
  facts: FleetFacts
  transport: Pick<Transport, 'kind' | 'state' | 'counts'>
  roster: Roster
  judge: Judge
  sequences: Sequences
  /** When a sign of life of each has come. */
  aliveMs: ReadonlyMap<NodeName, number>
  /** Of one node, or of all, that are kept. */
  wordsOf(node?: NodeName): number
  nowMs: number
}

/** The fleet, as far as this machine knows. */
export function fleetView({
  facts,
  transport,
  roster,
  judge,
  sequences,
  aliveMs,
  wordsOf,
  nowMs,
}: ViewOptions): FleetView {
  const { connected, url = null, server = null, lagMs = null } = transport.state
  const toldMs = new Map(sequences.marks().map(({ node, newestAtMs }) => [node, newestAtMs]))
  const viewOf = ({ name, level, sinceMs, revokedAtMs }: Member): FleetView['members'][number] => {
    const quarantine = judge.quarantineOf(name, nowMs)
    const heardMs = Math.max(aliveMs.get(name) ?? 0, Math.min(toldMs.get(name) ?? 0, nowMs))
    return {
      name,
      level,
      sinceMs: sinceMs + joinSkewMs,
      revokedAtMs: revokedAtMs ?? null,
      quarantine: quarantine
        ? { cause: quarantine.cause, sinceMs: quarantine.sinceMs, untilMs: quarantine.untilMs ?? null }
        : null,
      words: wordsOf(name),
      lastHeardMs: name === facts.name || heardMs === 0 ? null : heardMs,
    }
  }
  return {
    fleet: facts.fleet,
    name: facts.name,
    transport: transport.kind,
    connected,
    url,
    server,
    lagMs,
    lines: transport.counts ?? null,
    words: wordsOf(),
    members: roster.members().map(viewOf),
  }
}
