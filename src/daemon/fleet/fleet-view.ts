import type { FleetView } from '../../api/fleet-operations.js'
import type { Facts } from '../../fleet/calls/facts.js'
import type { Member } from '../../fleet/member.js'
import { joinSkewMs } from '../../fleet/roster.js'
import type { Transport } from '../../fleet/transport.js'
import type { FleetKnowledge } from './fleet-knowledge.js'
import type { FleetState } from './fleet-state.js'
import type { Presence } from './presence.js'

export interface ViewOptions {
  fleet: string
  transport: Pick<Transport, 'kind' | 'state' | 'counts'>
  knowledge: FleetKnowledge
  presence: Presence
  /** Of this machine. */
  facts: Facts
  wouldBan: number
  state: Pick<FleetState, 'clock' | 'jails'>
}

/** The fleet, as far as this machine knows. */
export function fleetView({ fleet, transport, knowledge, presence, facts, wouldBan, state }: ViewOptions): FleetView {
  const nowMs = state.clock.now()
  const { roster, judge, sequences, bans, audit, self } = knowledge
  const { connected, url = null, server = null, lagMs = null, trouble = null } = transport.state
  const toldMs = new Map(sequences.marks().map(({ node, newestAtMs }) => [node, newestAtMs]))
  const viewOf = ({ name, level, sinceMs, revokedAtMs }: Member): FleetView['members'][number] => {
    const quarantine = judge.quarantineOf(name, nowMs)
    const seen = name === self ? { heardMs: 0, facts } : presence.of(name)
    const { version = null, live = null, enforced = null, simulates = null, mode = null } = seen?.facts ?? {}
    const heardMs = Math.max(seen?.heardMs ?? 0, Math.min(toldMs.get(name) ?? 0, nowMs))
    return {
      name,
      level,
      sinceMs: sinceMs + joinSkewMs,
      revokedAtMs: revokedAtMs ?? null,
      quarantine: quarantine
        ? { cause: quarantine.cause, sinceMs: quarantine.sinceMs, untilMs: quarantine.untilMs ?? null }
        : null,
      mistrustedUntilMs: judge.mistrustedUntilMs(name, nowMs) ?? null,
      words: knowledge.wordsOf(name),
      version,
      live,
      enforced,
      simulates,
      mode,
      lagMs: seen?.lagMs ?? null,
      lastHeardMs: name === self || heardMs === 0 ? null : heardMs,
    }
  }
  return {
    fleet,
    name: self,
    transport: transport.kind,
    connected,
    trouble,
    jails: [...state.jails.values()].flatMap(({ name, config, state: now }) =>
      config.source.kind === 'fleet' && now === 'running' ? name : [],
    ),
    url,
    server,
    lagMs,
    lines: transport.counts ?? null,
    words: bans.count,
    heard: { ...audit.totals, refused: Object.fromEntries(audit.totals.refused) },
    mode: knowledge.mode.view,
    wouldBan,
    members: roster.members().map(viewOf),
  }
}
