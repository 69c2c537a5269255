import { cFunction, errnoName } from './libc.js'
import { type Log, type LogLevel, logLevels } from './log.js'
import { type ClosableLog, printable } from './log-writer.js'

/** syslog(3) severities, RFC 5424 section 6.2.1. */
const severities: Readonly<Record<LogLevel, number>> = {
  CRITICAL: 2,
  ERROR: 3,
  WARNING: 4,
  NOTICE: 5,
  INFO: 6,
  MSG: 6,
  DEBUG: 7,
  TRACEDEBUG: 7,
  HEAVYDEBUG: 7,
}
const facilityDaemon = 3

export interface SystemLogOptions {
  threshold: number
  pid: number
}

/** Lines for a service manager that reads our standard error: `<5>[sshd] Ban 192.0.2.1` (sd-daemon(3), SyslogLevelPrefix). */
export function journalLog({ threshold }: SystemLogOptions, write: (text: string) => void): ClosableLog {
  return logTo(threshold, (level, _module, text) => write(`<${severities[level]}>${text}\n`))
}

/**
 * The local syslog daemon, by its datagram socket: `<29>fail2ban.actions[123]: NOTICE [sshd] Ban 192.0.2.1` (RFC 3164, spec 9.1).
 * Throws when nobody listens there. What cannot be sent later is lost: the log must never stop the protection.
 */
export function syslogLog({ threshold, pid }: SystemLogOptions, socketPath: string): ClosableLog {
  const socket = new DatagramSocket(socketPath)
  const send: Send = (level, module, text) => {
    const name = module === '' ? 'fail2ban' : `fail2ban.${module}`
    socket.send(`<${facilityDaemon * 8 + severities[level]}>${name}[${pid}]: ${level} ${text}`)
  }
  return { ...logTo(threshold, send), reopen: () => socket.reconnect(), close: () => socket.close() }
}

type Send = (level: LogLevel, module: string, text: string) => void

function logTo(threshold: number, send: Send): ClosableLog {
  const isOn: Log['isOn'] = (level) => logLevels[level] >= threshold
  return {
    isOn,
    write: (level, module, text) => isOn(level) && send(level, module, printable(text)),
    reopen() {},
    close() {},
  }
}

// <sys/socket.h>, <sys/un.h>
const AF_UNIX = 1
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000
const sunPathBytes = 108

/** Node has no AF_UNIX datagrams. */
class DatagramSocket {
  readonly #path: string
  #fd: number

  constructor(path: string) {
    this.#path = path
    this.#fd = connected(path)
  }

  send(text: string): void {
    const bytes = Buffer.from(text, 'utf8')
    const send = cFunction<(fd: number, bytes: Buffer, length: number, flags: number) => number>(
      'intptr_t send(int fd, const void *bytes, size_t length, int flags)',
    )
    // The syslog daemon may have been restarted: once more on a new connection.
    if (send(this.#fd, bytes, bytes.length, MSG_DONTWAIT_NOSIGNAL) < 0 && this.#tryReconnect()) {
      send(this.#fd, bytes, bytes.length, MSG_DONTWAIT_NOSIGNAL)
    }
  }

  reconnect(): void {
    const fresh = connected(this.#path)
    this.close()
    this.#fd = fresh
  }

  close(): void {
    closeFd(this.#fd)
  }

  #tryReconnect(): boolean {
    try {
      this.reconnect()
      return true
    } catch {
      return false // Nobody listens at present: this line is lost.
    }
  }
}

function connected(path: string): number {
  const name = Buffer.from(path, 'utf8')
  if (name.length >= sunPathBytes)
    throw new Error(`Cannot log to ${path}: a socket's path has at most ${sunPathBytes - 1} bytes`)
  const socket = cFunction<(domain: number, type: number, protocol: number) => number>(
    'int socket(int domain, int type, int protocol)',
  )
  const connect = cFunction<(fd: number, address: Buffer, length: number) => number>(
    'int connect(int fd, const void *address, uint32_t length)',
  )
  const address = Buffer.alloc(2 + sunPathBytes)
  new Uint16Array(address.buffer, address.byteOffset, 1)[0] = AF_UNIX
  name.copy(address, 2)
  const fd = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0)
  if (fd >= 0 && connect(fd, address, address.length) === 0) return fd
  const reason = errnoName()
  if (fd >= 0) closeFd(fd)
  throw new Error(`Cannot log to the syslog socket ${path}: ${reason}; is a syslog daemon running?`)
}

function closeFd(fd: number): void {
  cFunction<(fd: number) => number>('int close(int fd)')(fd)
}
