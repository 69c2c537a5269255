import type { BriefBan } from '../action/world.js'
import type { ActionSpec } from '../domain/action-spec.js'
import type { Ban } from '../domain/ban.js'
import type { NoticeAction } from '../notify/notice-action.js'

/** A jail's actions that are not carried out in the kernel, parted by who carries them out. */
export interface ActionParts {
  /** To be run by a shell. */
  shell: readonly ActionSpec[]
  /** Mails that we send. */
  notices: readonly NoticeAction[]
}

/** Whether anybody has to be told of bans; a million of them are not told to nobody. */
export function hasAny({ shell, notices }: ActionParts): boolean {
  return shell.length > 0 || notices.length > 0
}

/** What runs beside the kernel for a jail's bans. Nothing here is waited for by anybody but a stop. */
export interface RunningActions {
  start(): void
  banned(ban: Ban, how: 'new' | 'restored'): void
  prolonged(ban: BriefBan): void
  unbanned(ban: BriefBan): void
  /** Somebody who is banned was seen `lateMs` after his ban. */
  repeated(ban: BriefBan, lateMs: number): void
  /** Other parameters or other actions, for the bans that are in force. */
  replace(parts: ActionParts, live: readonly BriefBan[], how: { isReload: boolean }): Promise<void>
  /** Undoes everything. */
  stop(live: readonly BriefBan[]): Promise<void>
  /** `set J action A start` and the like, rejects when it fails; undefined: there is no such action or method. */
  call(name: string, method: string): Promise<void> | undefined
  /** What failed last; undefined: nothing. */
  readonly trouble: string | undefined
}

/** For a jail that is only looked at. */
export const noActions: RunningActions = {
  start() {},
  banned() {},
  prolonged() {},
  unbanned() {},
  repeated() {},
  async replace() {},
  async stop() {},
  call: () => undefined,
  trouble: undefined,
}
