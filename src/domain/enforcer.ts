import type { Ip } from './address.js'
import type { Audit, AuditRequest, ForeignChange } from './audit.js'

export interface PortRange {
  first: number
  last: number
}

/** What a jail closes for those it bans. */
export interface Scope {
  jail: string
  /** `all`: every packet, whatever its protocol. */
  ports: 'all' | readonly PortRange[]
  /** Which protocols' ports; ignored when `ports` is `all`. */
  protocols: readonly ('tcp' | 'udp' | 'sctp' | 'dccp')[]
  /** What becomes of their packets; dropped when missing. */
  verdict?: 'drop' | 'reject'
  /** What who is rejected is told; missing: that the port is unreachable. Where a packet has no port, or is no TCP, a reset is that too. */
  rejectWith?: RejectWith
  /** At most how many packets a time are written to the kernel's log, with the prefix `tocsin JAIL: `; missing: none. */
  log?: LogRate
  /** Whether what each closure keeps out is counted by itself, which takes the kernel four times as long at a start; missing: it is. What is in place stays as it is. */
  isCounted?: boolean
}

/** Answers that IPv4 and IPv6 both have (<linux/netfilter/nf_tables.h>, nft(8) "reject with icmpx"), and TCP's own. */
export type RejectWith = 'no-route' | 'port-unreachable' | 'host-unreachable' | 'admin-prohibited' | 'tcp-reset'

export interface LogRate {
  packets: number
  per: 'second' | 'minute' | 'hour' | 'day'
}

/** One address or network kept out of one jail's scope. */
export interface Closure {
  jail: string
  ip: Ip
}

export interface TimedClosure extends Closure {
  /** How long from now, in milliseconds (> 0); undefined: until lifted. */
  remainingMs: number | undefined
}

export interface Drops {
  packets: number
  bytes: number
}

/** What a comparison of wanted closures with the real ones found, and did about it. */
export interface Reconciliation {
  kept: number
  added: number
  removed: number
}

/**
 * Makes closures real. Every call is one transaction: it happens as a whole, or it rejects and nothing has changed.
 * All calls are idempotent: closing what is closed sets its new end, opening what is open does nothing.
 */
export interface Enforcer {
  readonly kind: 'netlink' | 'nft' | 'ipset' | 'simulate'
  /** Puts everything for these scopes in place. Closures of scopes that stay are kept, those of scopes not named are removed. */
  arrange(scopes: readonly Scope[]): Promise<void>
  close(closures: readonly TimedClosure[]): Promise<void>
  open(closures: readonly Closure[]): Promise<void>
  /** Makes the closures of all scopes exactly these, touching only what differs (ends within 2 s are equal). */
  reconcile(wanted: readonly TimedClosure[]): Promise<Reconciliation>
  /** What was dropped because of this closure so far; undefined when it is not in force. */
  drops(closure: Closure): Promise<Drops | undefined>
  /** Closures really in force, by jail. */
  count(): Promise<Map<string, number>>
  /** Compares what is in force with what is wanted, in bounded memory and small steps. Missing: `reconcile` has to do. */
  audit?(request: AuditRequest): Promise<Audit>
  /** Tells of what others do to what is ours, as soon as they have done it; the returned function ends that. Missing: nobody can tell. */
  watch?(onChange: (change: ForeignChange) => void): () => void
  /** What was kept out by each jail since its scope was put in place; missing: only `drops` knows. */
  dropsByJail?(): Promise<Map<string, Drops>>
  /** Opens everything and removes every trace of ours. */
  clear(): Promise<void>
  /** Lets go of sockets and files. What is in force stays in force. */
  release(): void
}
