import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { listSets } from '../../src/firewall/kernel-reader.js'
import { NftConnection } from '../../src/firewall/netlink/connection.js'
import { brokerAccess } from '../../src/fleet/enrolment/broker-access.js'
import { FleetDir } from '../../src/fleet/enrolment/fleet-dir.js'
import { readToken } from '../../src/fleet/enrolment/invitation.js'
import { join } from '../../src/fleet/enrolment/join.js'
import type { Member } from '../../src/fleet/member.js'
import { keyPairOf } from '../../src/fleet/message/key.js'
import { banOf } from '../../src/fleet/nats/node-kit.js'
import { NatsTransport } from '../../src/fleet/nats/transport.js'
import type { Word } from '../../src/fleet/word.js'
import { type RunningChild, startChild } from '../../src/lib/child.js'
import { systemClock } from '../../src/lib/clock.js'
import { silentLog } from '../../src/lib/log.js'
import { Bridge, type Machine } from '../../test/kit/fleet-machines.js'

/** Elements of the sets of one jail in a machine's kernel, by what the kernel says (Linux 6.16). */
export class KernelCount {
  readonly #connection: NftConnection
  readonly #jail: string

  private constructor(connection: NftConnection, jail: string) {
    this.#connection = connection
    this.#jail = jail
  }

  static async of(machine: Machine, jail = 'fleet'): Promise<KernelCount> {
    const connection = await machine.network.within(() => Promise.resolve(new NftConnection('tocsin')))
    return new KernelCount(connection, jail)
  }

  get now(): number {
    const ours = [...listSets(this.#connection)].filter(([name]) => name.includes(this.#jail))
    return ours.reduce((sum, [, count]) => sum + (count ?? 0), 0)
  }

  async until(count: number, boundMs: number): Promise<void> {
    const giveUpMs = performance.now() + boundMs
    while (this.now < count) {
      if (performance.now() > giveUpMs) throw new Error(`Only ${this.now} of ${count} are in the kernel`)
      await pause(5)
    }
  }

  close(): void {
    this.#connection.close()
  }
}

/** The broker of a fleet on its own, in the bridge's network, with the configuration that `init --nats` has written. */
export class LoneBroker {
  readonly #dir = mkdtempSync(path.join(tmpdir(), 'tocsin-bench-broker-'))
  readonly #child: RunningChild

  static readonly url = `tls://${Bridge.gateway}:4722`

  constructor(hub: Machine) {
    const conf = readFileSync(hub.house.at('config/fleet/nats-server.conf'), 'utf8')
    hub.house.write('broker.conf', conf.replace(/store_dir: .*/, `store_dir: "${this.#dir}"`))
    process.once('exit', () => this.#child.stop())
    this.#child = startChild(['nats-server', '-c', hub.house.at('broker.conf')], { onStdout: () => {} })
  }

  async end(): Promise<void> {
    this.#child.stop()
    await this.#child.ended
    rmSync(this.#dir, { recursive: true, force: true })
  }
}

/** A member that has told so many bans, put them into its snapshot, and is away. */
export async function tellAndLeave(hub: Machine, { name, from, count }: { name: string; from: number; count: number }) {
  const home = mkdtempSync(path.join(tmpdir(), 'tocsin-bench-member-'))
  const dir = new FleetDir(home)
  const token = (await hub.fleet('invite', name)).split('\n').at(-1) ?? ''
  const { fleet } = await join(dir, readToken(token), systemClock.now())
  const { privateKey: key, publicKey } = keyPairOf(dir.nodeSeed())
  const self: Member = { name, publicKey, level: 'own', sinceMs: 0, revokedAtMs: undefined }
  const nowMs = systemClock.now()
  const words = Array.from(
    { length: count },
    (_, i) => ({ ...banOf(attacker(from + i), nowMs - (i % 60_000)), node: name, seq: i + 1 }) as Word,
  )
  const transport = new NatsTransport({
    node: name,
    fleet,
    key,
    ...brokerAccess(dir),
    memberOf: (asked) => (asked === name ? self : undefined),
    own: () => ({ seq: count, words }),
    clock: systemClock,
    log: silentLog,
  })
  await new Promise<void>((resolve) => {
    void transport.start({ onParcel: () => {}, onConnected: resolve, onDisconnected: () => {} })
  })
  await transport.snapshot()
  await transport.close()
  rmSync(home, { recursive: true, force: true })
}

/** Bytes that have come to a machine, with everything that is around them on the wire, as its end of the cable has counted. */
export async function bytesTo(machine: Machine): Promise<number> {
  return await machine.network.within(() => Promise.resolve(Number(readProcNetDev('eth0'))))
}

/** First figure of the interface: bytes received (proc(5)). */
function readProcNetDev(device: string): string {
  const line = readFileSync('/proc/thread-self/net/dev', 'utf8')
    .split('\n')
    .find((text) => text.trim().startsWith(`${device}:`))
  return line?.split(':')[1]?.trim().split(/\s+/)[0] ?? '0'
}

/** Addresses all over 40.0.0.0 to 71.255.255.255, from where anybody may come; another one for each number. */
export function attacker(n: number): string {
  const spread = Math.imul(n + 1, 2654435761) & 0x1fffffff
  return `${40 + (spread >>> 24)}.${(spread >>> 16) & 255}.${(spread >>> 8) & 255}.${spread & 255}`
}
