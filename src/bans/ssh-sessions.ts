import { readdirSync, readlinkSync, statSync } from 'node:fs'
import path from 'node:path'
import { readBegin } from './bounded-file.js'
import { tcpSockets } from './tcp-sockets.js'

export interface SshSession {
  user: string
  /** Canonical address of the client. */
  address: string
}

/** Files of one process that are looked through for its connection. */
const filesMax = 64
const textBytesMax = 4096

/**
 * What sshd calls a process that serves a session: `sshd: alice@pts/0`, `sshd-session: bob@notty`. Before the login is accepted the
 * title ends in `[preauth]`, `[net]` or the like, and that of the process in between in `[priv]`.
 */
const servingTitle = /^sshd(?:-session)?: ([^\s[\]]+)@[^\s[\]]+$/

/** A process that was something else at so many looks in a row stays that, mostly: sshd is itself from the moment in which it is started. */
const sureLooks = 2
/** Of those, each is looked at again after so many looks: its number may have become another process's. */
const againLooks = 8

/**
 * Who is connected to an sshd of this machine and has been let in, whatever it logs and where. Costs a look at each process that is new, and an eighth of
 * the others (some 15 µs each, more where a processor is short: it stands between a decision and the kernel); lists of connections are read
 * only when there is a session that was not there before.
 */
export class SshSessions {
  /** By socket; empty: it is no client's. */
  #addresses = new Map<number, string>()
  /** Processes that are something else, by number: at how many looks in a row. */
  #others = new Map<string, number>()
  #looks = 0

  list(): SshSession[] {
    const serving = this.#servingProcesses()
    const addresses = new Map<number, string>()
    const sessions: SshSession[] = []
    for (const { pid, user } of serving) {
      const sockets = socketsOf(pid)
      const isKnown = sockets.every((inode) => this.#addresses.has(inode))
      const found = isKnown ? this.#addresses : clientAddresses(pid, new Set(sockets))
      for (const inode of sockets) {
        const address = found.get(inode) ?? ''
        addresses.set(inode, address)
        if (address !== '') sessions.push({ user, address })
      }
    }
    this.#addresses = addresses
    return sessions
  }

  #servingProcesses(): { pid: number; user: string }[] {
    const others = new Map<string, number>()
    const found: { pid: number; user: string }[] = []
    this.#looks++
    for (const name of readdirSync('/proc')) {
      const pid = Number(name)
      if (Number.isNaN(pid)) continue
      const looks = this.#others.get(name) ?? 0
      const isSure = looks >= sureLooks && (pid + this.#looks) % againLooks !== 0
      if (isSure || readBegin(`/proc/${name}/comm`, textBytesMax)?.startsWith('sshd') !== true) {
        others.set(name, looks + 1)
        continue
      }
      const title = readBegin(`/proc/${name}/cmdline`, textBytesMax)?.replace(/\0+$/, '') ?? ''
      const user = servingTitle.exec(title)?.[1]
      if (user !== undefined && isSshd(name)) found.push({ pid, user })
    }
    this.#others = others
    return found
  }
}

/** Anybody can call a process of his like that; this one runs root's program. It may have been replaced by an upgrade since. */
function isSshd(pid: string): boolean {
  try {
    const program = readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, '')
    return /^sshd(-session|-auth)?$/.test(path.basename(program)) && statSync(`/proc/${pid}/exe`).uid === 0
  } catch {
    return false // It has ended, or we may not look.
  }
}

function socketsOf(pid: number): number[] {
  try {
    const files = readdirSync(`/proc/${pid}/fd`).slice(0, filesMax)
    return files.flatMap((file) => {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${file}`))?.[1]
      return inode === undefined ? [] : [Number(inode)]
    })
  } catch {
    return [] // As above.
  }
}

/**
 * Those of a process's sockets that somebody has opened to a port on which another process listens: the client's. What the client
 * forwards through his session are connections to elsewhere, or from ports on which the process itself listens.
 */
function clientAddresses(pid: number, own: ReadonlySet<number>): Map<number, string> {
  const connected: { inode: number; localPort: number; address: string }[] = []
  const ports = new Set<number>()
  for (const { state, inode, localPort, peer } of tcpSockets(`/proc/${pid}/net`)) {
    if (state === 'listening' && !own.has(inode)) ports.add(localPort)
    else if (state === 'established' && own.has(inode)) connected.push({ inode, localPort, address: peer.text })
  }
  return new Map(
    connected.filter(({ localPort }) => ports.has(localPort)).map(({ inode, address }) => [inode, address]),
  )
}
