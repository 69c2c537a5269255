import { readdirSync } from 'node:fs'
import type { Metric, Sample } from '../api/metrics.js'
import type { SourceStatus } from '../api/operations.js'
import type { Drops } from '../domain/enforcer.js'
import { version } from '../lib/version.js'
import { manualScope, type State } from './state.js'

/** What Prometheus may ask. Labels are jails' names at most, so their number is bounded by the configuration. */
export async function metricsOf(state: State): Promise<Metric[]> {
  const drops = await state.drops.read()
  return [
    ...banMetrics(state),
    ...jailMetrics(state),
    ...dropMetrics(drops),
    ...truthMetrics(state),
    ...fleetMetrics(state),
    ...processMetrics(state),
  ]
}

function banMetrics({ bans, jails }: State): Metric[] {
  const names = new Set([...jails.keys(), manualScope.jail])
  const each = (count: (jail: string) => number): Sample[] =>
    [...names].map((jail) => ({ labels: { jail }, value: count(jail) }))
  return [
    gauge(
      'tocsin_bans_live',
      'Bans that run now.',
      each((jail) => bans.live.count(jail)),
    ),
    counter(
      'tocsin_bans_total',
      'Bans since the start, restored ones included.',
      each((jail) => bans.live.total(jail)),
    ),
  ]
}

function jailMetrics({ jails, clock, followers, heldBack }: State): Metric[] {
  const nowMs = clock.now()
  const held = new Map(heldBack.jails().map(({ jail, count }) => [jail, count]))
  const units = [...jails.values()]
  const each = (count: (unit: (typeof units)[number]) => number): Sample[] =>
    units.map((unit) => ({ labels: { jail: unit.name }, value: count(unit) }))
  const sources = new Map(units.map(({ name }) => [name, followers.statusOf(name)]))
  const eachSource = (count: (source: SourceStatus) => number): Sample[] =>
    each(({ name }) => (sources.get(name) ?? []).reduce((sum, source) => sum + count(source), 0))
  return [
    gauge(
      'tocsin_failures_current',
      'Addresses with failures inside the find time.',
      each((unit) => unit.jail.failedNow(nowMs)),
    ),
    counter(
      'tocsin_failures_total',
      'Failures found since the start.',
      each((unit) => unit.jail.failuresTotal),
    ),
    counter(
      'tocsin_read_bytes_total',
      'Bytes of log files that were read.',
      eachSource(({ bytesRead = 0 }) => bytesRead),
    ),
    counter(
      'tocsin_read_entries_total',
      'Entries of the journal that were read.',
      eachSource(({ bytesRead, offset }) => (bytesRead === undefined ? offset : 0)),
    ),
    gauge(
      'tocsin_sources',
      'Logs that are followed.',
      eachSource(() => 1),
    ),
    counter(
      'tocsin_lines_skipped_total',
      'Lines that were too long to be read.',
      eachSource(({ linesSkippedTooLong }) => linesSkippedTooLong),
    ),
    gauge(
      'tocsin_pattern_quarantined',
      'Patterns out of use because they took too long.',
      each((unit) => unit.quarantine.entries.length),
    ),
    gauge(
      'tocsin_held_back',
      'New bans that are decided and not enforced, because the jail bans too much at once.',
      each((unit) => held.get(unit.name) ?? 0),
    ),
  ]
}

function dropMetrics(drops: ReadonlyMap<string, Drops> | undefined): Metric[] {
  const each = (count: (drops: Drops) => number): Sample[] =>
    [...(drops ?? [])].map(([jail, dropped]) => ({ labels: { jail }, value: count(dropped) }))
  return [
    counter(
      'tocsin_dropped_packets_total',
      'Packets kept out in the kernel.',
      each(({ packets }) => packets),
    ),
    counter(
      'tocsin_dropped_bytes_total',
      'Bytes of packets kept out in the kernel.',
      each(({ bytes }) => bytes),
    ),
  ]
}

function truthMetrics({ bans, enforcer, auditing }: State): Metric[] {
  const { live, enforced } = bans.live.counts()
  const real = enforcer.kind === 'simulate' ? 0 : enforced
  const { last, audits, missingTotal, wrongEndTotal, foreignTotal, foreignChanges } = auditing.account
  const sinceLast = last === undefined ? [] : [{ value: last.atMs / 1000 }]
  const { enforcing, storing } = bans.trouble
  return [
    gauge('tocsin_enforced', 'Bans that are in force.', [{ value: real }]),
    gauge('tocsin_not_enforced', 'Bans that are decided and not in force.', [{ value: live - real }]),
    counter('tocsin_enforcement_failures_total', 'Calls to the firewall that failed.', [
      { value: bans.enforcementFailures },
    ]),
    gauge('tocsin_trouble', '1 while the kernel (enforcing) or the database (storing) takes no changes.', [
      { labels: { what: 'enforcing' }, value: enforcing === undefined ? 0 : 1 },
      { labels: { what: 'storing' }, value: storing === undefined ? 0 : 1 },
    ]),
    counter('tocsin_audits_total', 'Comparisons of the kernel with our bans.', [{ value: audits }]),
    counter('tocsin_audit_missing_total', 'Bans that were found not to be in force.', [{ value: missingTotal }]),
    counter('tocsin_audit_wrong_end_total', 'Bans that would have ended at a wrong time.', [{ value: wrongEndTotal }]),
    counter('tocsin_audit_foreign_total', 'Times that something in our sets was found that nobody wants.', [
      { value: foreignTotal },
    ]),
    counter('tocsin_foreign_changes_total', 'Changes of others to our table.', [{ value: foreignChanges }]),
    gauge(
      'tocsin_audit_foreign',
      'What the last audit found in our sets that nobody wants.',
      last ? [{ value: last.foreign - last.removed }] : [],
    ),
    gauge('tocsin_audit_last_timestamp_seconds', 'When the last audit ended.', sinceLast),
    gauge('tocsin_audit_last_duration_seconds', 'How long it took.', last ? [{ value: last.durationMs / 1000 }] : []),
  ]
}

/** Of a machine in a fleet. Codes of refusals are ours, and some twenty. */
function fleetMetrics({ fleet, store }: State): Metric[] {
  if (fleet === undefined) return []
  const { connected, members, words, heard } = fleet.view
  const inGood = members.filter(({ revokedAtMs }) => revokedAtMs === null)
  const refused = Object.entries(heard.refused).map(([reason, value]) => ({
    labels: { outcome: 'refused', reason },
    value,
  }))
  const { lastSeq, toldSeq } = store.outbox
  return [
    gauge('tocsin_fleet_connected', '1 while there is a way to the others.', [{ value: connected ? 1 : 0 }]),
    gauge('tocsin_fleet_members', 'Machines that are not revoked, this one among them.', [{ value: inGood.length }]),
    gauge('tocsin_fleet_quarantined', 'Members whose new bans have no effect here.', [
      { value: inGood.filter(({ quarantine }) => quarantine !== null).length },
    ]),
    gauge('tocsin_fleet_words', 'Bans and lifts of all members that are remembered.', [{ value: words }]),
    gauge('tocsin_fleet_untold', 'Own words that are not yet told.', [{ value: lastSeq - toldSeq }]),
    counter('tocsin_fleet_heard_total', 'What others have told since the start, by what became of it.', [
      { labels: { outcome: 'accepted', reason: '' }, value: heard.accepted },
      { labels: { outcome: 'held', reason: '' }, value: heard.held },
      ...refused,
    ]),
  ]
}

function processMetrics({ startedMs, enforcer }: State): Metric[] {
  const { user, system } = process.cpuUsage()
  return [
    gauge('tocsin_info', 'Which version runs, and how it enforces.', [
      { labels: { version, enforcement: enforcer.kind }, value: 1 },
    ]),
    counter('tocsin_process_cpu_seconds_total', 'User and system time.', [{ value: (user + system) / 1e6 }]),
    gauge('tocsin_process_resident_memory_bytes', 'Resident memory.', [{ value: process.memoryUsage.rss() }]),
    gauge('tocsin_process_start_time_seconds', 'When the process began.', [{ value: startedMs / 1000 }]),
    gauge('tocsin_process_open_fds', 'Open files.', openFiles()),
  ]
}

function openFiles(): Sample[] {
  try {
    return [{ value: readdirSync('/proc/self/fd').length }]
  } catch {
    return [] // No /proc here.
  }
}

function gauge(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, help, type: 'gauge', samples }
}

function counter(name: string, help: string, samples: readonly Sample[]): Metric {
  return { name, help, type: 'counter', samples }
}
