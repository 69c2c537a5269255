import { hostname } from 'node:os'
import type { OwnSettings } from '../config/own-settings.js'
import type { Ban } from '../domain/ban.js'
import type { Problem } from '../domain/origin.js'
import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'
import { Notifier } from '../notify/notifier.js'
import { notifySettings } from '../notify/notify-settings.js'

/** What is not told in this time when the daemon ends is not told at all. */
const lastWordsMs = 5000

/** People and programs that are told of bans and troubles; who they are may change with a reload. */
export class Notifying {
  readonly #clock: Clock
  readonly #log: Log
  #notifier: Notifier | undefined

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  /** From now on these are told. The settings must be right (`notifyProblems`). */
  use(own: OwnSettings): void {
    const settings = notifySettings(own.notify)
    void this.close()
    if ('problem' in settings) return
    this.#notifier = new Notifier({ settings, clock: this.#clock, log: this.#log, host: hostname() })
  }

  banned(ban: Ban, how: 'new' | 'restored'): void {
    this.#notifier?.banned(ban, how)
  }

  unbanned(ban: Pick<Ban, 'jail' | 'id'>, why: 'expired' | 'lifted'): void {
    this.#notifier?.unbanned(ban, why)
  }

  trouble(text: string): void {
    this.#notifier?.trouble(text)
  }

  async close(): Promise<void> {
    const old = this.#notifier
    this.#notifier = undefined
    await old?.close(AbortSignal.timeout(lastWordsMs))
  }
}

/** What is wrong with `[notify]`. */
export function notifyProblems({ notify }: OwnSettings): Problem[] {
  const settings = notifySettings(notify)
  return 'problem' in settings ? [{ severity: 'error', message: settings.problem }] : []
}
