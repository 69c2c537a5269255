import type { LiveBan } from '../bans/live-bans.js'
import type { ActionSpec } from '../domain/action-spec.js'
import type { Ban } from '../domain/ban.js'

/** What runs beside the kernel for a jail's bans: commands, mails. Nothing here is waited for by anybody but a stop. */
export interface RunningActions {
  start(): void
  banned(ban: Ban, how: { restored: boolean }): void
  prolonged(ban: Ban): void
  unbanned(ban: LiveBan): void
  /** Other parameters or other actions, for the bans that are in force. */
  replace(specs: readonly ActionSpec[], live: readonly LiveBan[]): Promise<void>
  /** Undoes everything. */
  stop(live: readonly LiveBan[]): Promise<void>
}

/** For a jail that is only looked at. */
export const noActions: RunningActions = {
  start() {},
  banned() {},
  prolonged() {},
  unbanned() {},
  async replace() {},
  async stop() {},
}
