import type { Audit, Drops } from '../domain/enforcer.js'
import type { Problem } from '../domain/origin.js'
import type { FleetOperations, FleetStatus } from './fleet-operations.js'

/** What an operator can ask of a daemon. `daemon/operations` carries it out; CLI, HTTP and dashboard all go through it. Times in epoch milliseconds. */
export interface Operations extends FleetOperations {
  status(): Promise<Status>
  /** Undefined: no such jail. */
  jailStatus(jail: string): Promise<JailStatus | undefined>
  ban(request: BanRequest): Promise<BanOutcome[] | { unknownJail: string }>
  unban(request: UnbanRequest): Promise<UnbanOutcome[] | { unknownJail: string }>
  banned(filter: { ip?: string | undefined; jail?: string | undefined }): Promise<BanView[]>
  why(ip: string): Promise<Explanation>
  /** Who may not be banned and why, who was refused, what is held back, what waits for a confirmation. */
  protected(): Promise<ProtectedView>
  /** `ids`: addresses, networks, or numbers of bans on trial. */
  confirm(request: { ids: string[] }): Promise<ConfirmOutcome[]>
  /** What the jail decides is enforced again, whatever its budget, for `forMs` (an hour). */
  resume(request: { jail: string; forMs?: number | undefined }): Promise<ResumeOutcome>
  /** Compares the kernel with our bans now and puts back what is missing; `repair`: also removes what nobody wants. */
  audit(request: { repair?: boolean | undefined }): Promise<AuditView>
  /** In Prometheus' text format. */
  metrics(): Promise<string>
  /** Applies the configuration as it now stands in the files, or changes nothing and says why. */
  reload(): Promise<ReloadOutcome>
  /**
   * `keep`: what is in force stays in force and the daemon starts anew; refused when the configuration would not let it start.
   * Answers before it is carried out.
   */
  stop(options: { keep: boolean }): Promise<StopOutcome>
  version(): { version: string; pid: number; node: string }
}

export interface Status {
  version: string
  pid: number
  startedMs: number
  configDir: string
  enforcement: {
    kind: 'netlink' | 'nft' | 'ipset' | 'simulate'
    reason: string
    /** Why the kernel takes no changes at present. */
    trouble: string | undefined
    /** Calls that have failed since the start. */
    failures: number
    /** Changes of others to what is ours. */
    foreignChanges: number
    /** The last comparison of the kernel with our bans; missing: there was none yet. */
    audit: (AuditView & { atMs: number }) | undefined
  }
  store: { file: string | undefined; trouble: string | undefined }
  /** Missing: this machine is in no fleet. */
  fleet?: FleetStatus
  bans: { live: number; enforced: number }
  jails: JailStatus[]
}

export interface JailStatus {
  name: string
  filter: string
  currentlyFailed: number
  totalFailed: number
  currentlyBanned: number
  totalBanned: number
  scope: string
  maxretry: number
  findTimeMs: number
  /** Null: permanent. */
  banTimeMs: number | null
  /** What it counts: lines of files or of the journal, bans of this machine, words of the fleet, or nothing. */
  counts: 'files' | 'journal' | 'bans' | 'fleet' | 'none'
  sources: SourceStatus[]
  /** Patterns that are out of use because they took too long on a line; a reload of the jail tries them again. */
  quarantined: { pattern: string; place: string; line: string; sinceMs: number }[]
  /** Kept out so far; missing where the enforcer does not count by jail. */
  dropped?: Drops
  /** While it bans too much at once: so many new bans are decided, but not enforced. */
  heldBack?: { sinceMs: number; reason: string; count: number }
}

/** As `Audit`, with what was wrong in words. */
export type AuditView = Audit & { findings: string[] }

export interface SourceStatus {
  path: string
  state: string
  linesSkippedTooLong: number
  /** Of a file, since it is followed; missing for the journal. */
  bytesRead?: number
  offset: number
}

export interface BanView {
  jail: string
  ip: string
  startMs: number
  /** Null: permanent. */
  endMs: number | null
  /** Whether the kernel drops its packets; never when only simulated. */
  enforced: boolean
}

export interface BanRequest {
  ips: string[]
  jail?: string | undefined
  durationMs?: number | undefined
  permanent?: boolean | undefined
  force?: boolean | undefined
  /** Undone after this time, unless it is confirmed. */
  confirmMs?: number | undefined
  /** Refused where there is nobody else to tell. A machine in a fleet tells the others in any case. */
  fleet?: boolean | undefined
}

export interface BanOutcome {
  ip: string
  jail: string
  result: 'banned' | 'extended' | 'already' | 'refused'
  /** Null: permanent. Missing when refused. */
  endMs?: number | null
  reason?: string
  /** Refused, but by a protection that `force` overrides. */
  canForce?: boolean
  enforced?: boolean
  /** Decided and told, but by intention not enforced. */
  simulated?: boolean
  saved?: boolean
  /** When the others of the fleet hear of it; missing: there are none, or it is no news. */
  told?: 'now' | 'later'
  /** Waits for its confirmation until then; then it would end at `endMs` (null: never). */
  trial?: { number: number; untilMs: number; endMs: number | null }
}

export interface UnbanRequest {
  ips: string[]
  all?: boolean | undefined
  jail?: string | undefined
}

export interface UnbanOutcome {
  ip: string
  /** How many bans of it were lifted; 0: it was not banned. */
  lifted: number
  /** Networks it is in that are still banned. */
  stillIn?: BanView[]
}

/** Everything we know of an address. */
export interface Explanation {
  ip: string
  /** Why it can not be banned, if so. */
  protection: string | undefined
  /** Jails that have decided to ban it, but hold back now, and why. */
  heldBack: { jail: string; reason: string }[]
  bans: (BanView & { live: boolean; origin: string; failures: number; lines: string[]; drops: Drops | undefined })[]
}

export interface StopOutcome {
  ok: boolean
  problems: Problem[]
}

export type ReloadOutcome = { ok: true; changes: string[]; problems: Problem[] } | { ok: false; problems: Problem[] }

export interface ProtectedView {
  /** The first 2000. `sinceMs`: since when we know; missing: it stands in the configuration. */
  protected: { network: string; kind: string; reason: string; sinceMs?: number }[]
  /** How many more there are. */
  more: number
  /** The latest first. */
  refused: { ip: string; jail: string; reason: string; count: number; firstMs: number; lastMs: number }[]
  /** `ips`: the newest 100. */
  heldBack: { jail: string; sinceMs: number; reason: string; count: number; ips: string[] }[]
  trials: { number: number; ip: string; jail: string; untilMs: number }[]
}

export interface ConfirmOutcome {
  ip: string
  /** Missing: nothing of that kind waits. */
  jail?: string
  /** `over`: it has been lifted meanwhile. */
  result: 'confirmed' | 'over' | 'unknown'
  endMs?: number | null
}

/** `enforced`: how many bans that were held back have begun now. */
export type ResumeOutcome = { jail: string; result: 'resumed'; enforced: number } | { jail: string; result: 'nothing' }
