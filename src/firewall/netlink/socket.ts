import { constants } from 'node:os'
import { cFunction, errnoName, lastErrno } from '../../lib/libc.js'

// <linux/netlink.h>, <sys/socket.h>; Linux numbers that are the same on every architecture Node runs on (x86, arm, riscv, s390, ppc).
const AF_NETLINK = 16
const SOCK_RAW_CLOEXEC = 3 | 0o2000000
const subsystems = { NETLINK_SOCK_DIAG: 4, NETLINK_NETFILTER: 12 } as const
const SOL_SOCKET = 1
const SO_SNDBUF = 7
const SO_RCVBUF = 8
const SO_SNDBUFFORCE = 32
const SO_RCVBUFFORCE = 33
const SOL_NETLINK = 270
const NETLINK_CAP_ACK = 10
const NETLINK_EXT_ACK = 11
const MSG_DONTWAIT = 0x40
const MSG_TRUNC = 0x20

/** What we ask for; the kernel doubles it. Holds the largest transaction (100,000 elements are 5 MB). */
const sendBytesWanted = 16 << 20
const receiveBytesWanted = 4 << 20
/** The kernel never fills more than 32 KiB of a dump into one datagram (`netlink_recvmsg`). */
const datagramBytesMax = 64 << 10
/** An interrupted call is done again; more often than this in a row means that something else is wrong. */
const interruptionsMax = 100

/** A call of the C library failed. `code` is the errno's name, such as `EPERM`. */
export class SystemError extends Error {
  readonly code: string
  readonly errno: number

  constructor(call: string, errno: number) {
    const code = errnoName(errno)
    super(`${call} failed: ${code}${hintOf(code)}`)
    this.name = 'SystemError'
    this.code = code
    this.errno = errno
  }
}

/**
 * A socket to a subsystem of the kernel (netlink(7)), netfilter unless said otherwise. Nothing here waits: the kernel answers while we send, so an answer
 * is there once `send` returned, or never. NOTE: it belongs to the network namespace in which it was opened.
 */
export class NetlinkSocket {
  /** Bytes that one `send` may carry (`netlink_sendmsg` refuses more with EMSGSIZE). */
  readonly sendBytesMax: number
  readonly #fd: number
  readonly #inbox = Buffer.allocUnsafeSlow(datagramBytesMax)
  #isOpen = true

  /** Throws SystemError: EPERM, EAFNOSUPPORT or EPROTONOSUPPORT where there is no such subsystem for us. */
  constructor(subsystem: keyof typeof subsystems = 'NETLINK_NETFILTER') {
    const fd = libc().socket(AF_NETLINK, SOCK_RAW_CLOEXEC, subsystems[subsystem])
    if (fd < 0) throw new SystemError(`socket(AF_NETLINK, ${subsystem})`, lastErrno())
    this.#fd = fd
    try {
      this.#bind()
      this.sendBytesMax = this.#enlarge()
    } catch (error) {
      libc().close(fd)
      throw error
    }
    // Answers carry the head of what they answer, not all of it; and a sentence from the kernel where it has one.
    this.#set(SOL_NETLINK, NETLINK_CAP_ACK, 1)
    this.#set(SOL_NETLINK, NETLINK_EXT_ACK, 1)
  }

  /** Gives all of `bytes` to the kernel, which acts on them before this returns. Throws SystemError. */
  send(bytes: Uint8Array): void {
    for (let i = 0; i < interruptionsMax; i++) {
      const sent = libc().send(this.#number(), bytes, bytes.length, MSG_DONTWAIT)
      if (sent === bytes.length) return
      if (sent >= 0) throw new Error(`netlink took ${sent} of ${bytes.length} bytes: expected all or nothing`)
      if (!isPassing(lastErrno())) break
    }
    throw new SystemError(`send of ${bytes.length} bytes to netlink`, lastErrno())
  }

  /**
   * As `send`, in another thread: other work goes on here meanwhile. `bytes` must stay as they are until it resolves. False: not done, and why is
   * unknown (errno belongs to that thread).
   */
  sendAside(bytes: Uint8Array): Promise<boolean> {
    const fd = this.#number()
    return new Promise((resolve, reject) => {
      libc().send.async(fd, bytes, bytes.length, MSG_DONTWAIT, (error: unknown, sent: number) =>
        error ? reject(error) : resolve(sent === bytes.length),
      )
    })
  }

  /**
   * The next datagram, valid until the next call; undefined when nothing waits. Throws SystemError; ENOBUFS means that the kernel
   * had more to say than our buffer takes and that some of it is lost for good.
   */
  receive(): Buffer | undefined {
    for (let i = 0; i < interruptionsMax; i++) {
      const length = libc().recv(this.#number(), this.#inbox, this.#inbox.length, MSG_DONTWAIT | MSG_TRUNC)
      if (length > this.#inbox.length)
        throw new Error(`netlink datagram of ${length} bytes does not fit ${datagramBytesMax}`)
      if (length >= 0) return this.#inbox.subarray(0, length)
      const errno = lastErrno()
      if (errno === constants.errno.EAGAIN) return undefined
      if (errno !== constants.errno.EINTR) throw new SystemError('recv from netlink', errno)
    }
    throw new SystemError('recv from netlink', constants.errno.EINTR)
  }

  /** Drops what still waits: answers to something that was given up. */
  dropInbox(): void {
    try {
      while (this.receive() !== undefined);
    } catch (error) {
      if (!(error instanceof SystemError && error.code === 'ENOBUFS')) throw error
    }
  }

  /**
   * As `receive`, on another thread: the kernel puts a dump together in this call, which takes 100 ms at the end of a set of a million.
   * NOTE: nothing else may be done with the socket meanwhile.
   */
  receiveAside(): Promise<Buffer | undefined> {
    return new Promise((resolve, reject) => {
      const flags = MSG_DONTWAIT | MSG_TRUNC
      libc().recv.async(this.#number(), this.#inbox, this.#inbox.length, flags, (error, length) => {
        if (error !== null) reject(error)
        else if (length >= 0 && length <= this.#inbox.length) resolve(this.#inbox.subarray(0, length))
        // The errno stayed in the other thread. What made it fail makes it fail again; what was too long is lost, and so is told.
        else resolve(this.receive())
      })
    })
  }

  /** The number by which the kernel tells sockets of a network namespace apart; messages about what was done with this one carry it. */
  get portId(): number {
    const address = new Int32Array(3)
    const length = new Int32Array([address.byteLength])
    if (libc().getsockname(this.#number(), address, length) < 0)
      throw new SystemError('getsockname of a netlink socket', lastErrno())
    return (address[1] ?? 0) >>> 0
  }

  close(): void {
    if (this.#isOpen) libc().close(this.#fd)
    this.#isOpen = false
  }

  #number(): number {
    // A closed number may meanwhile belong to another file of this process.
    if (!this.#isOpen) throw new Error('The netlink socket is closed: the enforcer was released')
    return this.#fd
  }

  #bind(): void {
    // struct sockaddr_nl: family (host order), padding, port id 0 (the kernel chooses), no multicast groups.
    const address = Buffer.alloc(12)
    new Uint16Array(address.buffer, address.byteOffset, 1)[0] = AF_NETLINK
    if (libc().bind(this.#fd, address, address.length) < 0)
      throw new SystemError('bind of a netlink socket', lastErrno())
  }

  /** The FORCE kinds pass the limits of net.core.*mem_max and need CAP_NET_ADMIN. Returns the bytes that one send may have. */
  #enlarge(): number {
    if (!this.#set(SOL_SOCKET, SO_RCVBUFFORCE, receiveBytesWanted)) this.#set(SOL_SOCKET, SO_RCVBUF, receiveBytesWanted)
    if (!this.#set(SOL_SOCKET, SO_SNDBUFFORCE, sendBytesWanted)) this.#set(SOL_SOCKET, SO_SNDBUF, sendBytesWanted)
    const value = new Int32Array(1)
    const length = new Int32Array([4])
    if (libc().getsockopt(this.#fd, SOL_SOCKET, SO_SNDBUF, value, length) < 0)
      throw new SystemError('getsockopt(SO_SNDBUF) of a netlink socket', lastErrno())
    // netlink_sendmsg wants the message and a little more to fit.
    return (value[0] ?? 0) - 1024
  }

  #set(level: number, option: number, value: number): boolean {
    return libc().setsockopt(this.#number(), level, option, new Int32Array([value]), 4) === 0
  }
}

function isPassing(errno: number): boolean {
  return errno === constants.errno.EINTR || errno === constants.errno.EAGAIN
}

function hintOf(code: string): string {
  if (code === 'EPERM' || code === 'EACCES') return ' (needs root or CAP_NET_ADMIN)'
  if (code === 'EPROTONOSUPPORT' || code === 'EAFNOSUPPORT') return ' (this kernel has no netfilter netlink)'
  return ''
}

/** A function of the C library that can be called on another thread too. */
type AsideToo<F extends (...args: never[]) => number> = F & {
  async(...args: [...Parameters<F>, done: (error: Error | null, result: number) => void]): void
}

interface Libc {
  socket(domain: number, type: number, protocol: number): number
  bind(fd: number, address: Uint8Array, length: number): number
  setsockopt(fd: number, level: number, option: number, value: Int32Array, length: number): number
  getsockopt(fd: number, level: number, option: number, value: Int32Array, length: Int32Array): number
  getsockname(fd: number, address: Int32Array, length: Int32Array): number
  send: AsideToo<(fd: number, bytes: Uint8Array, length: number, flags: number) => number>
  recv: AsideToo<(fd: number, bytes: Uint8Array, length: number, flags: number) => number>
  close(fd: number): number
}

let loaded: Libc | undefined

function libc(): Libc {
  if (loaded !== undefined) return loaded
  loaded = {
    socket: cFunction('int socket(int domain, int type, int protocol)'),
    bind: cFunction('int bind(int fd, const void *address, uint32_t length)'),
    setsockopt: cFunction('int setsockopt(int fd, int level, int option, const void *value, uint32_t length)'),
    getsockopt: cFunction('int getsockopt(int fd, int level, int option, void *value, void *length)'),
    getsockname: cFunction('int getsockname(int fd, void *address, void *length)'),
    send: cFunction('intptr_t send(int fd, const void *bytes, size_t length, int flags)'),
    recv: cFunction('intptr_t recv(int fd, void *bytes, size_t length, int flags)'),
    close: cFunction('int close(int fd)'),
  } as Libc
  return loaded
}
