import { brokerAccess } from '../../fleet/enrolment/broker-access.js'
import type { FleetDir } from '../../fleet/enrolment/fleet-dir.js'
import { brokerStateDir } from '../../fleet/nats/managed.js'
import { NatsTransport } from '../../fleet/nats/transport.js'
import { identityIn } from './fleet-identity.js'
import type { FleetState } from './fleet-state.js'
import type { FleetWay } from './fleet-way.js'

/** `[fleet] transport = nats`. Throws a sentence when this machine is in no fleet. */
export function natsWay({ config, clock, log, store, paths }: FleetState, dir: FleetDir): FleetWay {
  const own = config.own.fleet
  const access = brokerAccess(dir, own.url)
  const identity = identityIn(dir)
  if (identity === undefined) throw new Error(`${dir.path}/fleet.json is gone`)
  const { facts, key } = identity
  const { fleet, name } = facts
  return {
    identity,
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
