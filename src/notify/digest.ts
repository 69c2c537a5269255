import type { Clock } from '../lib/clock.js'
import {
  causeOf,
  count,
  countsText,
  grouped,
  harmless,
  type JailCounts,
  lengthText,
  type Notification,
} from './notification.js'

export interface DigestOptions {
  clock: Clock
  host: string
  everyMs: number
  send(mail: { subject: string; text: string }): void
}

/** More lines than this nobody reads; the rest is counted. */
const linesMax = 200

/** Collects what happens and mails it now and then; nothing happened: no mail. The first event begins the interval. */
export class Digest {
  readonly #options: DigestOptions
  #lines: string[] = []
  #more = 0
  #troubles = 0
  #counts = new Map<string, JailCounts>()
  #cancel: (() => void) | undefined

  constructor(options: DigestOptions) {
    this.#options = options
  }

  put(notification: Notification): void {
    const { clock, everyMs } = this.#options
    this.#cancel ??= clock.after(everyMs, () => this.flush())
    if (notification.kind === 'trouble') this.#troubles++
    count(this.#counts, notification)
    if (this.#lines.length < linesMax) this.#lines.push(lineOf(notification))
    else this.#more++
  }

  /** Mails what there is. */
  flush(): void {
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#lines.length === 0) return
    const { host, send } = this.#options
    const counts = countsText(this.#counts, '')
    const troubles =
      this.#troubles === 0 ? '' : `${grouped(this.#troubles)} ${this.#troubles === 1 ? 'trouble' : 'troubles'}`
    const subject = `[tocsin] ${host}: ${[counts, troubles].filter((part) => part !== '').join(', ')}`
    const rest = this.#more > 0 ? [`… and ${grouped(this.#more)} more`] : []
    const text = [...this.#lines, ...rest, ''].join('\n')
    this.#lines = []
    this.#more = 0
    this.#troubles = 0
    this.#counts = new Map()
    send({ subject, text })
  }
}

/** `2026-11-21 06:46:11  sshd  ban 192.0.2.7 for 10 minutes, 5 failures` */
function lineOf(notification: Notification): string {
  const time = new Date(notification.atMs).toISOString().slice(0, 19).replace('T', ' ')
  switch (notification.kind) {
    case 'ban': {
      const { jail, id, durationMs, count } = notification.ban
      const cause = causeOf(notification.ban)
      const why = cause === undefined ? '' : `, ${cause}`
      const again = count > 1 ? `, ban number ${count}` : ''
      return `${time}Z  ${harmless(jail)}  ban ${harmless(id)} ${lengthText(durationMs)}${why}${again}`
    }
    case 'unban':
      return `${time}Z  ${harmless(notification.ban.jail)}  unban ${harmless(notification.ban.id)} (${notification.why})`
    case 'trouble':
      return `${time}Z  ${harmless(notification.text)}`
    case 'summary':
      return `${time}Z  ${countsText(notification.counts)}`
    default:
      return notification satisfies never
  }
}
