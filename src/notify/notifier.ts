import type { Ban } from '../domain/ban.js'
import { type ChildOptions, type ChildResult, runChild } from '../lib/child.js'
import type { Clock } from '../lib/clock.js'
import { messageOf } from '../lib/error-message.js'
import type { Log } from '../lib/log.js'
import { Digest } from './digest.js'
import { FloodGuard } from './flood-guard.js'
import { mailDate } from './mail-message.js'
import { jsonOf, type Notification } from './notification.js'
import { Outbox } from './outbox.js'
import { sendByProgram } from './sendmail.js'
import { type SmtpServer, sendBySmtp } from './smtp.js'
import { postJson } from './webhook.js'

/** Who is told of what; undefined and empty: nobody. */
export interface NotifySettings {
  webhook: URL | undefined
  command: readonly string[] | undefined
  email: { to: readonly string[]; from: string; everyMs: number; smtp: SmtpServer | undefined } | undefined
  events: ReadonlySet<'ban' | 'unban' | 'trouble'>
}

export interface NotifierOptions {
  settings: NotifySettings
  clock: Clock
  log: Log
  /** This machine's name. */
  host: string
  run?: (argv: readonly string[], options: ChildOptions) => Promise<ChildResult>
  sendmail?: readonly string[]
  waitsMs?: readonly number[]
  timeoutMs?: number
}

const commandMs = 30_000
/** A channel that is down is complained of this often, not for every message. */
const complainEveryMs = 3_600_000

/** Tells people and programs of bans (`[notify]` in tocsin.conf). Never holds up whoever tells it, and never fails. */
export class Notifier {
  readonly #options: NotifierOptions
  readonly #boxes: Pick<Outbox<never>, 'close' | 'settled'>[] = []
  readonly #guard: FloodGuard | undefined
  readonly #digest: Digest | undefined
  readonly #complainedMs = new Map<string, number>()

  constructor(options: NotifierOptions) {
    this.#options = options
    const { webhook, command, email } = options.settings
    const tellers = [webhook && this.#webhookBox(webhook), command && this.#commandBox(command)].filter(
      (box) => box !== undefined,
    )
    const { clock, host } = options
    if (tellers.length > 0) {
      const tell = (notification: Notification) => {
        const json = jsonOf(notification, host)
        for (const box of tellers) box.put(json)
      }
      this.#guard = new FloodGuard({ clock, tell })
    }
    if (email !== undefined) {
      const box = this.#mailBox(email)
      this.#digest = new Digest({ clock, host, everyMs: email.everyMs, send: (mail) => box.put(mail) })
    }
  }

  /** Restored bans are no news. */
  banned(ban: Ban, how: 'new' | 'restored'): void {
    if (how === 'new') this.#tell({ kind: 'ban', ban, atMs: this.#options.clock.now() })
  }

  unbanned(ban: Pick<Ban, 'jail' | 'id'>, why: 'expired' | 'lifted'): void {
    this.#tell({ kind: 'unban', ban, why, atMs: this.#options.clock.now() })
  }

  /** Something an operator should look at: the firewall, the disk, a log. `text`: a sentence of ours. */
  trouble(text: string): void {
    this.#tell({ kind: 'trouble', text, atMs: this.#options.clock.now() })
  }

  /** Tells what was only counted, and what waits, until the deadline. */
  async close(deadline: AbortSignal): Promise<void> {
    this.#guard?.close()
    this.#digest?.flush()
    await Promise.all(this.#boxes.map((box) => box.close(deadline)))
  }

  /** Resolves when everything so far was told or given up. */
  async settled(): Promise<void> {
    await Promise.all(this.#boxes.map((box) => box.settled()))
  }

  #tell(notification: Exclude<Notification, { kind: 'summary' }>): void {
    if (!this.#options.settings.events.has(notification.kind)) return
    this.#guard?.put(notification)
    this.#digest?.put(notification)
  }

  #webhookBox(url: URL): Outbox<string> {
    const { clock, waitsMs, timeoutMs } = this.#options
    const options = { url, clock, ...(waitsMs && { waitsMs }), ...(timeoutMs !== undefined && { timeoutMs }) }
    return this.#box('the webhook', (json, signal) => postJson(json, options, signal))
  }

  #commandBox(argv: readonly string[]): Outbox<string> {
    const { run = runChild } = this.#options
    return this.#box('the command', async (json, signal) => {
      const {
        exitCode,
        signal: killedBy,
        stderr,
      } = await run(argv, { stdin: `${json}\n`, timeoutMs: commandMs, signal })
      if (exitCode === 0) return
      const said = stderr.trim().slice(0, 500) || 'nothing'
      // Its arguments may be secrets.
      throw new Error(`Cannot notify by the command ${argv[0]}: exit code ${exitCode ?? killedBy}; it said: ${said}`)
    })
  }

  #mailBox(email: NonNullable<NotifySettings['email']>): Outbox<{ subject: string; text: string }> {
    const { clock, run = runChild, sendmail } = this.#options
    return this.#box('the digest', async ({ subject, text }, signal) => {
      const { to, from, smtp } = email
      const date = new Date(clock.now())
      if (smtp !== undefined)
        return sendBySmtp(smtp, { from: { name: 'tocsin', address: from }, to, subject, text, date }, signal)
      const headers = [
        `From: tocsin <${from}>`,
        `To: ${to.join(', ')}`,
        `Subject: ${subject}`,
        `Date: ${mailDate(clock.now())}`,
        'MIME-Version: 1.0',
        'Content-Type: text/plain; charset=utf-8',
        'Auto-Submitted: auto-generated',
      ]
      await sendByProgram(undefined, `${headers.join('\n')}\n\n${text}`, { run, signal, ...(sendmail && { sendmail }) })
    })
  }

  #box<T>(name: string, deliver: (item: T, signal: AbortSignal) => Promise<void>): Outbox<T> {
    const box = new Outbox<T>({
      deliver,
      failed: (_item, error) => this.#complain(name, messageOf(error)),
      dropped: (count) =>
        this.#complain(`${name}: dropped`, `${count} messages to ${name} were dropped: too many waited`),
    })
    this.#boxes.push(box)
    return box
  }

  #complain(about: string, text: string): void {
    const { clock, log } = this.#options
    const nowMs = clock.now()
    if (nowMs - (this.#complainedMs.get(about) ?? Number.NEGATIVE_INFINITY) < complainEveryMs) return
    this.#complainedMs.set(about, nowMs)
    log.write('ERROR', 'notify', text)
  }
}
