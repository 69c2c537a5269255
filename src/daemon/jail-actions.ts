import { JailActions } from '../action/jail-actions.js'
import type { Turns } from '../action/turns.js'
import type { BriefBan } from '../action/world.js'
import { parseDurationMs } from '../config/duration.js'
import type { ActionSpec } from '../domain/action-spec.js'
import type { Ban } from '../domain/ban.js'
import type { PtrNames } from './ptr-names.js'
import type { State } from './state.js'

/** What runs beside the kernel for a jail's bans. Nothing here is waited for by anybody but a stop. */
export interface RunningActions {
  start(): void
  banned(ban: Ban, how: { restored: boolean }): void
  prolonged(ban: BriefBan): void
  unbanned(ban: BriefBan): void
  /** Somebody who is banned was seen `lateMs` after his ban. */
  repeated(ban: BriefBan, lateMs: number): void
  /** Other parameters or other actions, for the bans that are in force. */
  replace(specs: readonly ActionSpec[], live: readonly BriefBan[]): Promise<void>
  /** Undoes everything. */
  stop(live: readonly BriefBan[]): Promise<void>
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
}

export interface ShellActionsOptions {
  state: Pick<State, 'clock' | 'log' | 'bans' | 'store' | 'jails'>
  turns: Turns
  ptrNames: PtrNames
  /** The actions of every jail that has some, by jail. */
  all: Map<string, JailActions>
}

/** The jail's actions as programs. They know of the world only what their tags can say. */
export function shellActions(
  jail: string,
  specs: readonly ActionSpec[],
  { state, turns, ptrNames, all }: ShellActionsOptions,
): JailActions {
  const { clock, log, bans, store, jails } = state
  return new JailActions({
    jail,
    specs,
    clock,
    log,
    turns,
    durationMs: parseDurationMs,
    world: {
      figures: () => ({
        banned: bans.live.count(jail),
        bannedTotal: bans.live.total(jail),
        found: jails.get(jail)?.jail.failedNow(clock.now()) ?? 0,
        foundTotal: jails.get(jail)?.jail.failuresTotal ?? 0,
      }),
      banTimeMs: () => jails.get(jail)?.config.jail.banTimeMs,
      hostOf: (ip) => ptrNames.of(ip),
      history: (id, scope) => store.bans.historyLines(id, scope === 'jail' ? jail : undefined),
      lastOf: (id) => store.bans.lastOf(jail, id),
      othersHolding: (id) => bans.live.ofId(id).flatMap((ban) => (ban.jail === jail ? [] : (all.get(ban.jail) ?? []))),
    },
  })
}
