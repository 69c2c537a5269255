import { brokerAccess } from '../../fleet/enrolment/broker-access.js'
import { type FleetDir, operatorName } from '../../fleet/enrolment/fleet-dir.js'
import { keyPairOf, publicKeyOf } from '../../fleet/message/key.js'
import { brokerStateDir } from '../../fleet/nats/managed.js'
import { NatsTransport } from '../../fleet/nats/transport.js'
import type { FleetState } from './fleet-state.js'
import type { FleetWay } from './fleet-way.js'

/** `[fleet] transport = nats`. Throws a sentence when this machine is in no fleet. */
export function natsWay({ config, clock, log, store, paths }: FleetState, dir: FleetDir): FleetWay {
  const own = config.own.fleet
  const access = brokerAccess(dir, own.url)
  const facts = dir.facts()
  const operatorKey = publicKeyOf(facts?.operatorKey)
  if (facts === undefined || operatorKey === undefined)
    throw new Error(`${dir.path}/fleet.json names no operator's key`)
  const key = keyPairOf(dir.nodeSeed()).privateKey
  const { fleet, name } = facts
  return {
    identity: { facts, key, roots: new Map([[operatorName, operatorKey]]) },
    name: `the fleet ${fleet} as ${name}`,
    brokerUrls: access.servers.join(','),
    broker: {
      stateDir: brokerStateDir(dir, paths.database),
      listen: own.server === 'managed' ? own.listen : undefined,
    },
    transportOf: ({ roster, bans }, factsNow) =>
      new NatsTransport({
        fleet,
        node: name,
        key,
        clock,
        log,
        ...access,
        memberOf: (member) => roster.memberOf(member),
        facts: factsNow,
        own: () => ({
          seq: store.outbox.lastSeq,
          toldSeq: store.outbox.toldSeq,
          words: bans.words(clock.now(), name),
        }),
        // Whoever names three brokers has a cluster of three: each keeps everything, and one may be lost.
        ...(facts.role === 'hub' && { replicas: access.servers.length >= 3 ? 3 : 1 }),
      }),
  }
}
