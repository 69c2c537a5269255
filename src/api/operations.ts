import type { Drops } from '../domain/enforcer.js'
import type { Problem } from '../domain/origin.js'

/** What an operator can ask of a daemon. `daemon/operations` carries it out; CLI, HTTP and dashboard all go through it. Times in epoch milliseconds. */
export interface Operations {
  status(): Promise<Status>
  /** Undefined: no such jail. */
  jailStatus(jail: string): Promise<JailStatus | undefined>
  ban(request: BanRequest): Promise<BanOutcome[] | { unknownJail: string }>
  unban(request: UnbanRequest): Promise<UnbanOutcome[] | { unknownJail: string }>
  banned(filter: { ip?: string | undefined; jail?: string | undefined }): Promise<BanView[]>
  why(ip: string): Promise<Explanation>
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
  enforcement: { kind: 'netlink' | 'nft' | 'simulate'; reason: string; trouble: string | undefined }
  store: { file: string | undefined; trouble: string | undefined }
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
  sources: SourceStatus[]
  /** Patterns that are out of use because they took too long on a line; a reload of the jail tries them again. */
  quarantined: { pattern: string; place: string; line: string; sinceMs: number }[]
}

export interface SourceStatus {
  path: string
  state: string
  linesSkippedTooLong: number
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
  bans: (BanView & { live: boolean; origin: string; failures: number; lines: string[]; drops: Drops | undefined })[]
}

export interface StopOutcome {
  ok: boolean
  problems: Problem[]
}

export type ReloadOutcome = { ok: true; changes: string[]; problems: Problem[] } | { ok: false; problems: Problem[] }
