/**
 * One log line (or one session of lines) that counts against somebody: who and when. Its texts own their memory: they are kept for as
 * long as a find time, and must not be slices that hold a whole chunk of log.
 */
export interface Failure {
  /** Fail2ban's id: an address or network in canonical form, or the raw text of `<F-ID>`. */
  id: string
  /** Epoch milliseconds, from the line's own date where it has one. */
  timeMs: number
  /** The log lines it was read from, oldest first, without line ends. Hostile text. */
  lines: string[]
  /** Named groups of the filter: `user`, `port`, … in lower case. Hostile text. */
  data: Readonly<Record<string, string>>
}
