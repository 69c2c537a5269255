import net from 'node:net'
import { cFunction, errnoName } from '../../lib/libc.js'

// <linux/netlink.h>, <linux/netfilter/nfnetlink.h>, <sys/socket.h>
const AF_NETLINK = 16
const SOCK_RAW_CLOEXEC_NONBLOCK = 3 | 0o2000000 | 0o4000
const NETLINK_NETFILTER = 12
const NFNLGRP_NFTABLES = 7
const AF_UNIX = 1
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000
const O_CLOEXEC = 0o2000000
const SOL_SOCKET = 1
const SO_ATTACH_FILTER = 26
const SO_RCVBUFFORCE = 33
/** `nlmsg_pid` of struct nlmsghdr. */
const portIdOffset = 12
// <linux/bpf_common.h>
const BPF_LD_W_ABS = 0x20
const BPF_JEQ_K = 0x15
const BPF_RET_K = 0x06
const instructionBytes = 8
/** Full: ENOBUFS, the news are lost, and whoever listens has to look for himself. */
const receiveBytesWanted = 4 << 20

export interface NotificationsOptions {
  /** Port ids of our own sockets: what they do is no news. */
  ownPorts: readonly number[]
  /** One datagram, valid until the call is over. */
  onDatagram(bytes: Buffer): void
  /** The kernel had more news than the buffer holds, or the socket broke: nothing more comes. */
  onLoss(error: Error): void
}

/**
 * Hears of every change to nf_tables in this network namespace (NFNLGRP_NFTABLES). What we do ourselves is sorted out in the kernel by a
 * socket filter, so that our own large transactions wake nobody. Throws where the kernel refuses.
 */
export function openNotifications({ ownPorts, onDatagram, onLoss }: NotificationsOptions): { close(): void } {
  const fd = boundSocket(ownPorts)
  const stream = asStream(fd)
  stream.on('data', onDatagram)
  stream.on('error', onLoss)
  stream.unref()
  return {
    close: () =>
      stream
        .removeListener('error', onLoss)
        .on('error', () => {})
        .destroy(),
  }
}

function boundSocket(ownPorts: readonly number[]): number {
  const { socket, bind, setsockopt } = libc()
  const fd = checked('socket(AF_NETLINK)', socket(AF_NETLINK, SOCK_RAW_CLOEXEC_NONBLOCK, NETLINK_NETFILTER))
  try {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, new Int32Array([receiveBytesWanted]), 4)
    attachFilter(fd, ownPorts)
    // struct sockaddr_nl: family, padding, port id 0 (the kernel chooses), groups.
    const address = new Uint32Array([0, 0, 1 << (NFNLGRP_NFTABLES - 1)])
    new Uint16Array(address.buffer, 0, 1)[0] = AF_NETLINK
    checked('bind to NFNLGRP_NFTABLES', bind(fd, address, address.byteLength))
    return fd
  } catch (error) {
    libc().close(fd)
    throw error
  }
}

/**
 * A classic BPF program (<linux/filter.h>) that lets pass what does not come from one of our ports. It sees the head of the first message;
 * all messages of a datagram come from one transaction. Where it is refused there is more to read, that is all.
 */
function attachFilter(fd: number, ownPorts: readonly number[]): void {
  const count = ownPorts.length
  const program = Buffer.allocUnsafeSlow(instructionBytes * (count + 3))
  writeInstruction(program, 0, { code: BPF_LD_W_ABS, k: portIdOffset })
  for (const [i, port] of ownPorts.entries())
    writeInstruction(program, i + 1, { code: BPF_JEQ_K, jumpTrue: count - i, k: networkOrder(port) })
  writeInstruction(program, count + 1, { code: BPF_RET_K, k: 0xffffffff })
  writeInstruction(program, count + 2, { code: BPF_RET_K, k: 0 })
  // struct sock_fprog: the number of instructions, and where they are.
  const description = new BigUint64Array(2)
  new Uint16Array(description.buffer, 0, 1)[0] = count + 3
  // NOTE: memmove(3) returns its first argument; so we learn where the program is.
  description[1] = BigInt(libc().memmove(program, program, 0))
  libc().setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, description, description.byteLength)
}

/** struct sock_filter, in the machine's byte order. */
function writeInstruction(
  program: Buffer,
  index: number,
  { code, jumpTrue = 0, k }: { code: number; jumpTrue?: number; k: number },
): void {
  const at = index * instructionBytes
  program.set(new Uint8Array(Uint16Array.of(code).buffer), at)
  program[at + 2] = jumpTrue
  program[at + 3] = 0
  program.set(new Uint8Array(Uint32Array.of(k).buffer), at + 4)
}

/** The kernel writes port ids as the machine does; a filter loads words in network order. */
function networkOrder(port: number): number {
  return Buffer.from(Uint32Array.of(port).buffer).readUInt32BE()
}

/**
 * NOTE: Node watches no netlink sockets, but it watches any file under a number that it takes for a pipe. So it gets the number of a real
 * one, which then is made to mean the netlink socket (dup3(2)), before anything is read.
 */
function asStream(fd: number): net.Socket {
  const { socketpair, dup3, close } = libc()
  const pair = new Int32Array(2)
  try {
    checked('socketpair', socketpair(AF_UNIX, SOCK_STREAM_CLOEXEC, 0, pair))
    const [place = -1, other = -1] = pair
    close(other)
    const stream = new net.Socket({ fd: place, readable: true, writable: false })
    checked('dup3', dup3(fd, place, O_CLOEXEC))
    return stream
  } finally {
    close(fd)
  }
}

function checked(call: string, result: number): number {
  if (result < 0) throw new Error(`Cannot listen to changes of nf_tables: ${call} failed: ${errnoName()}`)
  return result
}

interface Libc {
  socket(domain: number, type: number, protocol: number): number
  bind(fd: number, address: Uint32Array, length: number): number
  setsockopt(fd: number, level: number, option: number, value: Int32Array | BigUint64Array, length: number): number
  memmove(to: Buffer, from: Buffer, length: number): number | bigint
  socketpair(domain: number, type: number, protocol: number, pair: Int32Array): number
  dup3(from: number, to: number, flags: number): number
  close(fd: number): number
}

let loaded: Libc | undefined

function libc(): Libc {
  loaded ??= {
    socket: cFunction('int socket(int domain, int type, int protocol)'),
    bind: cFunction('int bind(int fd, const void *address, uint32_t length)'),
    setsockopt: cFunction('int setsockopt(int fd, int level, int option, const void *value, uint32_t length)'),
    memmove: cFunction('uintptr_t memmove(void *to, const void *from, size_t length)'),
    socketpair: cFunction('int socketpair(int domain, int type, int protocol, void *pair)'),
    dup3: cFunction('int dup3(int from, int to, int flags)'),
    close: cFunction('int close(int fd)'),
  } as Libc
  return loaded
}
