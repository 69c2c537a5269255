import type { ActionSpec } from '../domain/action-spec.js'
import type { Problem } from '../domain/origin.js'
import { type ChildOptions, type ChildResult, runChild } from '../lib/child.js'
import type { Clock } from '../lib/clock.js'
import { messageOf } from '../lib/error-message.js'
import type { Log } from '../lib/log.js'
import { mailAction } from './mail-action.js'
import type { Notice, NoticeAction, Occasion } from './notice-action.js'
import { Outbox } from './outbox.js'
import type { OwnNames } from './own-names.js'
import { smtpAction } from './smtp-action.js'
import type { TagSource } from './tag-source.js'

/** A jail's actions, parted by who carries them out. */
export interface Parted {
  /** Mails, sent by us. */
  notices: readonly NoticeAction[]
  /** To be run by a shell. */
  others: readonly ActionSpec[]
  /** Actions that cannot be carried out at all. */
  problems: readonly Problem[]
}

/** Parts what the enforcer leaves of a jail's actions. `native = no` in `tocsin.conf` concerns the firewall only. */
export function partNotices(jail: string, actions: readonly ActionSpec[]): Parted {
  const notices: NoticeAction[] = []
  const others: ActionSpec[] = []
  const problems: Problem[] = []
  for (const action of actions) {
    const notice = noticeOf(action)
    if (notice === undefined) others.push(action)
    else if ('problem' in notice)
      problems.push({ severity: 'error', message: notice.problem, hint: notice.hint, jail, origin: action.origin })
    else notices.push(notice)
  }
  return { notices, others, problems }
}

function noticeOf(action: ActionSpec): NoticeAction | { problem: string; hint: string } | undefined {
  const file = action.file.replace(/^.*\//, '')
  if (!file.endsWith('.py')) return mailAction(action)
  if (file === 'smtp.py') {
    const notice = smtpAction(action)
    return 'problem' in notice
      ? { ...notice, hint: 'its options are host, ssl, user, password, sendername, sender, dest and matches' }
      : notice
  }
  return {
    problem: `the action ${file} is a Python program of Fail2ban's, and tocsin runs none but smtp.py`,
    hint: 'write an action.d/NAME.conf whose actionban starts it, or use "command" or "webhook" in tocsin.conf',
  }
}

export interface JailNoticesOptions {
  jail: string
  notices: readonly NoticeAction[]
  clock: Clock
  log: Log
  names: OwnNames
  run?: (argv: readonly string[], options: ChildOptions) => Promise<ChildResult>
  sendmail?: readonly string[]
}

/** More mails than this waiting for their server are a flood, and nobody reads them. */
const waitingMax = 1000

/** The mails of a jail: told of what happens, it sends them one after another in the background. */
export class JailNotices {
  readonly #options: JailNoticesOptions
  #notices: readonly NoticeAction[]
  readonly #outbox: Outbox<{ action: NoticeAction; notice: Notice }>

  constructor(options: JailNoticesOptions) {
    this.#options = options
    this.#notices = options.notices
    this.#outbox = new Outbox({
      deliver: ({ action, notice }, signal) => this.#send(action, notice, signal),
      failed: ({ action, notice }, error) => this.#complain(action, notice.occasion, error),
      dropped: (count) =>
        this.#say(
          'WARNING',
          `mails that were not sent: ${count}; too many were waiting, or no time was left at the stop`,
        ),
      waitingMax,
      textLength: ({ notice }) => notice.tags?.textLength ?? 0,
    })
  }

  /** After a reload. What waits still goes as it was told, before anything that these say. */
  replace(notices: readonly NoticeAction[]): void {
    this.#notices = notices
  }

  start(): void {
    this.#tell({ occasion: 'start', tags: undefined })
  }

  banned(tags: TagSource, how: 'new' | 'restored'): void {
    this.#tell({ occasion: 'ban', tags }, how === 'restored')
  }

  unbanned(tags: TagSource): void {
    this.#tell({ occasion: 'unban', tags })
  }

  /** Sends what waits and the last mail, until the deadline. In the order of Fail2ban: the last action first. */
  async stop(deadline: AbortSignal): Promise<void> {
    for (const action of [...this.#notices].reverse())
      if (action.speaksOf('stop')) this.#outbox.put({ action, notice: { occasion: 'stop', tags: undefined } })
    await this.#outbox.close(deadline)
  }

  /** Resolves when every mail so far was sent or given up. */
  async settled(): Promise<void> {
    await this.#outbox.settled()
  }

  #tell(notice: Notice, isRestored = false): void {
    for (const action of this.#notices) {
      if (!action.speaksOf(notice.occasion) || (isRestored && action.isSilentOnRestore)) continue
      this.#outbox.put({ action, notice })
    }
  }

  async #send(action: NoticeAction, notice: Notice, signal: AbortSignal): Promise<void> {
    const { jail, names, clock, run = runChild, sendmail } = this.#options
    const context = { jail, names, nowMs: clock.now(), run, signal, ...(sendmail && { sendmail }) }
    await action.tell(notice, context)
  }

  #complain(action: NoticeAction, occasion: Occasion, error: unknown): void {
    const reason = messageOf(error)
    const { jail } = this.#options
    this.#say('ERROR', `Failed to execute ${occasion} jail '${jail}' action '${action.name}': ${reason}`, '')
  }

  #say(level: 'ERROR' | 'WARNING', text: string, prefix = `[${this.#options.jail}] `): void {
    this.#options.log.write(level, 'actions', `${prefix}${text}`)
  }
}
