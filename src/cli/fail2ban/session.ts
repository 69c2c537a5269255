import type { ClientLog } from './client-log.js'
import type { ClientOptions } from './options.js'
import type { Places } from './places.js'

/** One run of `fail2ban-client` or `fail2ban-server`: what its commands need. */
export interface Session {
  readonly program: string
  readonly options: ClientOptions
  readonly places: Places
  readonly log: ClientLog
  print(text: string): void
}
