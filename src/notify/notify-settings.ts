import type { NotifySettings } from './notifier.js'
import { parseSmtpAddress } from './smtp-address.js'

/** `[notify]` of tocsin.conf, as the configuration reads it. */
export interface WrittenSettings {
  webhook: string | undefined
  command: readonly string[] | undefined
  email_to: readonly { value: string }[]
  email_from: string | undefined
  email_every: number
  smtp: string | undefined
  events: readonly ('ban' | 'unban' | 'trouble')[]
}

/** What the notifier runs on, or a sentence on what is wrong; no value is in it, for it may be a secret. */
export function notifySettings(written: WrittenSettings): NotifySettings | { problem: string } {
  const smtp = written.smtp === undefined ? undefined : parseSmtpAddress(written.smtp)
  if (written.smtp !== undefined && smtp === undefined)
    return { problem: '[notify] smtp is none of HOST, HOST:PORT, smtp://USER:PASSWORD@HOST:PORT and smtps://…' }
  const to = written.email_to.map(({ value }) => value.replace(/,$/, '')).filter((address) => address !== '')
  const from = written.email_from ?? 'tocsin'
  const wrong = [...to, from].find((address) => !/^[^\s<>,;:"()\p{C}]+$/u.test(address) || address.startsWith('-'))
  if (wrong !== undefined) return { problem: `[notify] "${wrong}" is not the address of a mailbox` }
  return {
    webhook: written.webhook === undefined ? undefined : new URL(written.webhook),
    command: written.command,
    email: to.length === 0 ? undefined : { to, from, everyMs: written.email_every, smtp },
    events: new Set(written.events),
  }
}
