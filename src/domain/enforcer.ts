import type { Ip } from './address.js'

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
  /** Whether what each closure keeps out is counted by itself, which takes the kernel twice as long or more; missing: it is. What is in place stays as it is. */
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

/** What an audit asks of whoever decides who is shut out. */
export interface AuditRequest {
  /** Everything that is to be in force, one at a time; asked for in steps, between which other things happen. */
  wanted(): Iterable<TimedClosure>
  /** Whether this is to be in force now, and for how long; undefined: it is not. */
  wantedNow(closure: Closure): TimedClosure | undefined
  /** Resolves when every decision so far has reached the enforcer, or was refused by it once. */
  settled(): Promise<void>
  /** Only what somebody else has touched is looked at; missing: everything. */
  only?: Touched
  /** Whether very large sets are searched for what nobody wants, too: that takes a minute and more. */
  isThorough: boolean
  /** Whether what nobody wants is removed. */
  removeForeign: boolean
  /** Ends it early; what it has repaired by then stays repaired. */
  signal?: AbortSignal
  /** Told of what turns out not to be in force, and again when it is. */
  onFound(closure: Closure, isEnforced: boolean): void
}

export interface Touched {
  closures: readonly Closure[]
  /** Whether networks were, too. */
  networks: boolean
}

/** What an audit has found, and done about it. A network counts as the pieces that the kernel has of it. */
export interface Audit {
  /** Looked at. */
  wanted: number
  /** In force at the end. */
  enforced: number
  /** Were not in force, though they had been made so. */
  missing: number
  /** Would have ended more than 2 s too early or too late. */
  wrongEnd: number
  /** In force, though nobody wants it. */
  foreign: number
  /** Foreign ones that were removed. */
  removed: number
  /** Missing ones and wrong ends that were put right. */
  repaired: number
  /** Whether table, chains, rules or sets were not as we had put them; they are again. */
  rearranged: boolean
  /** The first few, as `sshd 192.0.2.1`. */
  examples: { missing: string[]; foreign: string[] }
  /** Why something could not be repaired. */
  trouble: string | undefined
  durationMs: number
}

/** What others have done to what is ours. */
export interface ForeignChange {
  /** The table, a chain, a rule or a set: not only what is in it. */
  isStructure: boolean
  /** Undefined: too many to tell, or the news were lost. */
  touched: Touched | undefined
  /** Who, as far as the kernel says: `nft (pid 42)`. */
  by: string | undefined
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
  /**
   * As `close`, while other work goes on here; nothing else may change who of them is shut out meanwhile. For very many.
   * Missing: `close` has to do.
   */
  closeAside?(closures: readonly TimedClosure[]): Promise<void>
  open(closures: readonly Closure[]): Promise<void>
  /** Makes the closures of all scopes exactly these, touching only what differs (ends within 2 s are equal). */
  reconcile(wanted: readonly TimedClosure[]): Promise<Reconciliation>
  /** What was dropped because of this closure so far; `uncounted`: it is not counted by itself; undefined: it is not in force. */
  drops(closure: Closure): Promise<Drops | 'uncounted' | undefined>
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
