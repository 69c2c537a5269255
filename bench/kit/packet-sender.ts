import { readFileSync } from 'node:fs'
import { Network } from '../../src/firewall/own-network.js'
import { runChild } from '../../src/lib/child.js'
import { cFunction, errnoName } from '../../src/lib/libc.js'

// <linux/if_packet.h>, <sys/socket.h>
const AF_PACKET = 17
const SOCK_RAW_CLOEXEC = 3 | 0o2000000
const SOL_PACKET = 263
const PACKET_QDISC_BYPASS = 20
// <linux/if_ether.h>, and IEEE Std 802 for local experiments
const ETH_P_IP = 0x0800
const ETH_P_EXPERIMENTAL = 0x88b5
const sockaddrBytes = 20
const frameBytes = 54

export const server = '203.0.113.1'
/** The server's interface. */
export const outside = 'outside'

/**
 * A neighbour with a wire to this network namespace, who sends TCP SYNs as quickly as one core can. The kernel takes a packet in where it
 * was sent, in the same thread: what receiving costs is in this process's CPU time, and nothing waits or gets lost between the two.
 */
export class PacketSender {
  readonly #fd: number
  readonly #send: (fd: number, bytes: Uint8Array, length: number, flags: number) => number
  readonly #macs: Buffer

  private constructor(fd: number, macs: Buffer) {
    this.#fd = fd
    this.#macs = macs
    this.#send = cFunction('intptr_t send(int fd, const void *bytes, size_t length, int flags)')
  }

  /** The main thread must be in a network of its own, which becomes the server's. */
  static async make(): Promise<PacketSender> {
    const here = Network.current()
    const neighbour = Network.another()
    await here.ip(
      `link add ${outside} type veth peer name wire netns ${neighbour.path}`,
      `addr add ${server}/24 dev ${outside}`,
      // Without IPv6 nobody says a word on the wire but us.
      `link set ${outside} addrgenmode none`,
      `link set ${outside} up`,
      // Answers leave by this way and are not received by anybody; without a known neighbour they would wait for one.
      `route add 10.0.0.0/8 dev ${outside}`,
      'link set lo up',
    )
    await neighbour.ip('link set wire addrgenmode none', 'link set wire up')
    const mac = async (name: string) => {
      const { stdout } = await runChild(['ip', '-o', 'link', 'show', name], { timeoutMs: 5_000 })
      return Buffer.from((/link\/ether (\S+)/.exec(stdout)?.[1] ?? '').replaceAll(':', ''), 'hex')
    }
    const to = await mac(outside)
    return neighbour.within(async () => {
      const { stdout } = await runChild(['ip', '-o', 'link', 'show', 'wire'], { timeoutMs: 5_000 })
      const fd = opened(Number(/^(\d+):/.exec(stdout)?.[1]))
      return new PacketSender(fd, Buffer.concat([to, await mac('wire')]))
    })
  }

  /** A SYN to port 22 from each of these addresses (IPv4, as numbers); `isUnwanted`: as a protocol that nobody takes, IP or other. */
  frames(sources: readonly number[], { isUnwanted = false } = {}): Buffer[] {
    return sources.map((source, i) => {
      const frame = Buffer.alloc(frameBytes)
      this.#macs.copy(frame)
      frame.writeUInt16BE(isUnwanted ? ETH_P_EXPERIMENTAL : ETH_P_IP, 12)
      writeSyn(frame.subarray(14), source, 1024 + (i % 60_000))
      return frame
    })
  }

  /** Sends these again and again until there were `count`; CPU time of each, in nanoseconds, receiving included. */
  send(frames: readonly Buffer[], count: number): number {
    const { user, system } = process.cpuUsage()
    for (let n = 0; n < count; n++) {
      const frame = frames[n % frames.length]
      if (frame === undefined || this.#send(this.#fd, frame, frameBytes, 0) !== frameBytes)
        throw new Error(`Cannot send a packet: ${errnoName()}`)
    }
    const after = process.cpuUsage()
    return ((after.user + after.system - user - system) * 1000) / count
  }

  close(): void {
    cFunction<(fd: number) => number>('int close(int fd)')(this.#fd)
  }
}

export interface Met {
  /** Packets that came in by the wire. */
  received: number
  /** Of those, TCP segments that nobody kept out. */
  segments: number
}

export function met(): Met {
  const device = new RegExp(`^ *${outside}: *\\d+ +(\\d+)`, 'm').exec(readFileSync('/proc/thread-self/net/dev', 'utf8'))
  const [names = '', values = ''] = readFileSync('/proc/thread-self/net/snmp', 'utf8').match(/^Tcp: .*$/gm) ?? []
  return { received: Number(device?.[1]), segments: Number(values.split(' ')[names.split(' ').indexOf('InSegs')]) }
}

function opened(interfaceIndex: number): number {
  const socket = cFunction<(...numbers: number[]) => number>('int socket(int domain, int type, int protocol)')
  const bind = cFunction<(fd: number, address: Uint8Array, bytes: number) => number>(
    'int bind(int fd, const void *address, uint32_t bytes)',
  )
  const setsockopt = cFunction<(...args: (number | Uint8Array)[]) => number>(
    'int setsockopt(int fd, int level, int name, const void *value, uint32_t bytes)',
  )
  // Protocol 0: it only sends.
  const fd = socket(AF_PACKET, SOCK_RAW_CLOEXEC, 0)
  const address = new Uint8Array(sockaddrBytes)
  new Uint16Array(address.buffer, 0, 1)[0] = AF_PACKET
  new Int32Array(address.buffer, 4, 1)[0] = interfaceIndex
  const one = new Uint8Array(Uint32Array.of(1).buffer)
  if (fd < 0 || bind(fd, address, sockaddrBytes) !== 0) throw new Error(`Cannot open a packet socket: ${errnoName()}`)
  setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, one, one.length)
  return fd
}

/** IPv4 (RFC 791) and TCP (RFC 9293), both without options. */
function writeSyn(packet: Buffer, source: number, port: number): void {
  packet.writeUInt16BE(0x4500, 0)
  packet.writeUInt16BE(40, 2)
  packet.writeUInt16BE(0x4000, 6)
  packet.writeUInt16BE(0x4006, 8)
  packet.writeUInt32BE(source, 12)
  packet.set(server.split('.').map(Number), 16)
  packet.writeUInt16BE(checksum(packet.subarray(0, 20)), 10)
  packet.writeUInt16BE(port, 20)
  packet.writeUInt16BE(22, 22)
  packet.writeUInt32BE(source, 24)
  packet.writeUInt16BE(0x5002, 32)
  packet.writeUInt16BE(0xffff, 34)
  const pseudoHeader = Buffer.concat([packet.subarray(12, 20), Buffer.from([0, 6, 0, 20])])
  packet.writeUInt16BE(checksum(Buffer.concat([pseudoHeader, packet.subarray(20, 40)])), 36)
}

function checksum(bytes: Buffer): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16)
  return ~sum & 0xffff
}
