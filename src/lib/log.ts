/** Fail2ban's log levels with their numbers (spec 9.1). */
export const logLevels = {
  CRITICAL: 50,
  ERROR: 40,
  WARNING: 30,
  NOTICE: 25,
  INFO: 20,
  MSG: 18,
  DEBUG: 10,
  TRACEDEBUG: 7,
  HEAVYDEBUG: 5,
} as const

export type LogLevel = keyof typeof logLevels

/** Where a room tells what it does. `module` becomes Fail2ban's logger name: `actions` is printed as `fail2ban.actions`. */
export interface Log {
  isOn(level: LogLevel): boolean
  /** Text from logs and peers is hostile: the writer escapes control characters, callers need not. */
  write(level: LogLevel, module: string, text: string): void
}

/** Says nothing. For tests and for tools that have no log. */
export const silentLog: Log = { isOn: () => false, write: () => {} }
