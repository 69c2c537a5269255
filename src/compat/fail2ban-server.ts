import type { PyValue } from '../lib/python-repr.js'

/** A command of Fail2ban's client without its first words, or one of the commands of a stream: `['set', 'sshd', 'maxretry', 5]`. */
export type Command = readonly PyValue[]

/**
 * What Fail2ban's commands act upon (spec 7.3); the daemon carries it out. Anything that fails throws `CommandError`, which
 * becomes the exception that Fail2ban would have sent.
 */
export interface Fail2banServer {
  /** In the order in which they were created. */
  jailNames(): readonly string[]
  /** Throws `unknownJail`. */
  jail(name: string): ControlledJail
  /** A jail that does not run yet. Throws `duplicateJail`. */
  addJail(name: string, backend: string): Promise<void>
  startJail(name: string): Promise<void>
  /** Its bans are lifted and stay in the database. */
  stopJail(name: string): Promise<void>
  stopAllJails(): Promise<void>
  /** Everything ends; resolves when all jails have stopped and the answer may go out. */
  stop(): Promise<void>
  /** `jail` undefined: all. `stream`: the commands that the client has read from the configuration. */
  reload(request: ReloadRequest): Promise<void>
  /** The first commands after a start by Fail2ban's own client. */
  takeStream(stream: readonly Command[]): Promise<void>
  /** `loglevel`, `logtarget`, `syslogsocket`, `dbfile`, `dbmaxmatches`, `dbpurgeage`, `allowipv6`, `thread`. */
  get(setting: string): PyValue
  set(setting: string, value: PyValue): Promise<PyValue>
  flushLogs(): 'rolled over' | 'flushed'
  /** Lifts bans in all jails; how many there were. */
  unban(ids: readonly string[] | 'all'): Promise<number>
  /** ERROR line in the log. */
  configError(text: string): void
}

export interface ReloadRequest {
  jail: string | undefined
  unban: boolean
  restart: boolean
  ifExists: boolean
  stream: readonly Command[]
}

/** One jail as Fail2ban's commands see it. */
export interface ControlledJail {
  readonly name: string
  readonly backend: string
  status(): JailFigures
  /** Ids of its bans, those that end first in front. */
  banned(): readonly BannedId[]
  isBanned(id: string): boolean
  /** How many were newly banned. */
  ban(ids: readonly string[]): Promise<number>
  /** How many were banned; a network lifts all in it. `absent`: those that were not. */
  unban(ids: readonly string[]): Promise<{ lifted: number; absent: readonly string[] }>
  /** Counts `max(1, lines)` failures of the id; 0 when it is ignored (spec 5.1). */
  attempt(id: string, lines: readonly string[]): Promise<0 | 1>
  /**
   * An option as `get J option` shows it (spec 7.3): `maxretry`, `bantime`, `bantime.formula`, `failregex` (expanded), `ignoreip`,
   * `journalmatch`, `logpath`, `datepattern`, … Throws `invalidCommand` for a name that is none.
   */
  get(option: string): PyValue
  /**
   * `set J option …`: also the verbs `addignoreip`, `delignoreip`, `addlogpath`, `dellogpath`, `addjournalmatch`, `deljournalmatch`,
   * `addfailregex`, `delfailregex`, `addignoreregex`, `delignoreregex`. Returns what Fail2ban answers: the value as it now is.
   */
  set(option: string, args: readonly PyValue[]): Promise<PyValue>
  actions(): readonly string[]
  addAction(name: string, python?: { file: string; options: PyValue }): Promise<void>
  deleteAction(name: string): Promise<void>
  action(name: string): ControlledAction
}

/** An action of a jail. */
export interface ControlledAction {
  properties(): readonly string[]
  methods(): readonly string[]
  get(property: string): PyValue
  set(property: string, value: PyValue): Promise<PyValue>
  /** One of `methods` with arguments by name. Without it nothing can be called. */
  call?(method: string, args: { readonly [key: string]: PyValue }): Promise<PyValue>
}

export interface JailFigures {
  currentlyFailed: number
  totalFailed: number
  /** Of a jail that follows files. */
  files: readonly string[] | undefined
  /** Of a jail that follows the journal. */
  journalMatches: readonly string[] | undefined
  currentlyBanned: number
  totalBanned: number
}

export interface BannedId {
  id: string
  /** Epoch milliseconds. */
  startMs: number
  /** Undefined: permanent. */
  durationMs: number | undefined
}

/** Exceptions by the names that a client without Fail2ban's package can load, too: `builtins.…` and `fail2ban.exceptions.…`. */
export type PythonException =
  | 'builtins.Exception'
  | 'builtins.IndexError'
  | 'builtins.ValueError'
  | 'builtins.KeyError'
  | 'builtins.NameError'
  | 'builtins.LookupError'
  | 'builtins.AttributeError'
  | 'builtins.FileNotFoundError'
  | 'builtins.IsADirectoryError'
  | 'builtins.TypeError'
  | 'builtins.RuntimeError'
  | 'fail2ban.exceptions.UnknownJailException'
  | 'fail2ban.exceptions.DuplicateJailException'

/** A command that failed, as the client will see it. */
export class CommandError extends Error {
  readonly exception: PythonException
  readonly args: readonly PyValue[]

  constructor(exception: PythonException, ...args: readonly PyValue[]) {
    super(args.map(String).join(' '))
    this.name = 'CommandError'
    this.exception = exception
    this.args = args
  }
}

export const unknownJail = (name: string) => new CommandError('fail2ban.exceptions.UnknownJailException', name)
export const duplicateJail = (name: string) => new CommandError('fail2ban.exceptions.DuplicateJailException', name)
export const invalidCommand = (text: string) => new CommandError('builtins.Exception', text)
