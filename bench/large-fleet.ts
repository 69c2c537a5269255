// What a fleet costs that is too large to be run here: 1,000, 10,000 and 100,000 nodes for an hour, simulated; see src/fleet/large-fleet.

import { type Day, days } from '../src/fleet/large-fleet/attackers.js'
import { type LargeFleetOutcome, simulateLargeFleet } from '../src/fleet/large-fleet/large-fleet.js'
import { seal } from '../src/fleet/message/message.js'
import { banWord, keysOf, sightingWord } from '../src/fleet/message/message-kit.js'
import { batchSubject, sightSubject } from '../src/fleet/message/subject.js'
import type { Word } from '../src/fleet/word.js'
import { print, quantile, type Row } from './kit/report.js'

/** Nodes, and pairs of counting nodes. */
const sizes = [
  [1_000, 1],
  [10_000, 2],
  [100_000, 4],
] as const
const crashEveryMs = 120_000
/** Of a core, to check one (docs/scale.md). */
const signatureMs = 0.3

const rows: Row[] = []
for (const [nodes, pairs] of sizes)
  for (const [name, day] of Object.entries(days))
    measure(`${nodes.toLocaleString('en')} nodes, ${name} day`, nodes, pairs, day)

print({
  benchmark: 'large-fleet',
  method:
    'Simulated, nothing is timed: an hour with maxretry = 3, minnodes = 2, findtime and bantime 30 min; rates are of its second half. The deciding parts and the sizes of messages are the real ones, but a ban is counted with the size of a sighting. ' +
    'Everybody counts: what any node sees goes to all. Divided: it goes to two counting nodes, who tell all nodes their verdicts every two seconds; one of a pair loses its memory when both are whole, 2 to 8 times in the hour',
  rows,
  remarks: [],
})

function measure(what: string, nodes: number, pairs: number, day: Day): void {
  const outcome = simulateLargeFleet({ seed: 1, nodes, day, pairs, crashEveryMs })
  const row = (measure: string, unit: string, value: number, note?: string) =>
    rows.push({ measure: `${what}: ${measure}`, subject: 'tocsin', unit, values: [value], ...(note && { note }) })
  const { sightings, bans, verdicts, batches } = outcome.rates
  row('words told', 'words/s', sightings + bans)
  row('verdicts', 'verdicts/s', verdicts)
  const all = everybody(outcome, nodes)
  row('everybody counts: deliveries by the brokers', 'messages/s', all.deliveries)
  row('everybody counts: to each node', 'bytes/s', all.bytes)
  row('everybody counts: signatures, of a core of each node', '%', all.percent)
  row('everybody counts: addresses with evidence, on each node', 'rows', outcome.rows.ofOne)
  const divided = byAddress(outcome, nodes)
  row('divided: deliveries by the brokers', 'messages/s', divided.deliveries)
  row('divided: to each node', 'bytes/s', divided.bytes, `${batches.toFixed(2)} batches a second`)
  row('divided: signatures, of a core of the busiest counting node', '%', (outcome.busiest * signatureMs) / 10)
  row('divided: addresses with evidence, on the fullest counting node', 'rows', outcome.rows.ofCounting)
  row(
    'divided: from the deciding word to its verdict, at most',
    's',
    quantile(outcome.waitsMs, 1) / 1000,
    `${outcome.crashes} counting nodes lost their memory`,
  )
  row('verdicts lost, or not those of who hears everything', 'verdicts', outcome.lost + outcome.unfounded)
}

interface Cost {
  deliveries: number
  bytes: number
}

function everybody({ rates }: LargeFleetOutcome, nodes: number): Cost & { percent: number } {
  const words = rates.sightings + rates.bans
  const bytes = onTheWire([sightingWord({ node: 'n12345' })], sightSubject('n12345', 0x3f))
  return { deliveries: words * nodes, bytes: words * bytes, percent: (words * signatureMs) / 10 }
}

function byAddress({ rates }: LargeFleetOutcome, nodes: number): Cost {
  const { sightings, bans, verdicts, batches } = rates
  const count = Math.max(1, Math.round(verdicts / Math.max(batches, 1e-9)))
  const verdict = (_: unknown, i: number) =>
    banWord({ node: 'count1', seq: 48_211 + i, ip: `203.0.113.${i}`, jail: 'fleet' })
  const bytes = onTheWire(Array.from({ length: count }, verdict), batchSubject('count1', 'q48211'))
  return {
    deliveries: 2 * (sightings + bans) + batches * nodes,
    bytes: batches * bytes,
  }
}

/** With NATS's line, a TLS 1.3 record, TCP, IPv4 and Ethernet around it. */
function onTheWire(words: Word[], subject: string): number {
  const node = words[0]?.node ?? ''
  const { length } = seal(words, { fleet: 'example', subject, node, key: keysOf(node).privateKey })
  return length + `MSG ${subject} 99 9999\r\n\r\n`.length + 29 + 52 + 14
}
