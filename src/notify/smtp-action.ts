import type { ActionSpec } from '../domain/action-spec.js'
import { isYes, type Notice, type NoticeAction, type NoticeContext, propertiesOf } from './notice-action.js'
import { type SmtpServer, sendBySmtp } from './smtp.js'

const ours = new Set(['host', 'ssl', 'user', 'password', 'sendername', 'sender', 'dest', 'matches', 'actname', 'name'])

/** Fail2ban's `smtp.py` (spec 6.8), with its options; or a sentence on what is wrong with them. */
export function smtpAction(action: ActionSpec): NoticeAction | { problem: string } {
  const properties = propertiesOf(action)
  const unknown = [...properties.keys()].filter((name) => !ours.has(name))
  if (unknown.length > 0) return { problem: `smtp.py has no option "${unknown.join('", "')}"` }
  const server = serverOf(properties)
  if (typeof server === 'string') return { problem: server }
  const option = (name: string, otherwise: string) => properties.get(name) || otherwise
  const from = { name: option('sendername', 'Fail2Ban'), address: option('sender', 'fail2ban') }
  const to = option('dest', 'root')
    .split(/,\s*/)
    .filter((address) => address !== '')
  const matches = option('matches', '')
  return {
    name: action.name,
    isSilentOnRestore: true,
    speaksOf: (occasion) => occasion !== 'unban',
    async tell(notice, context) {
      const { subject, text } = message(notice, context, matches)
      await sendBySmtp(server, { from, to, subject, text, date: new Date(context.nowMs) }, context.signal)
    },
  }
}

function serverOf(properties: ReadonlyMap<string, string>): SmtpServer | string {
  const tls = isYes(properties.get('ssl'))
  const written = properties.get('host') || 'localhost'
  const [, host, port] = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(written) ?? []
  if (host === undefined) return `host "${written}" of smtp.py is not HOST or HOST:PORT`
  const [user, password] = [properties.get('user'), properties.get('password')]
  const login = user && password ? { user, password } : undefined
  return { host: host.replace(/[[\]]/g, ''), port: Number(port ?? (tls ? 465 : 25)), tls, isStrict: false, login }
}

/** Subjects and bodies as Fail2ban's users know them. */
function message(
  { occasion, tags }: Notice,
  { jail, names }: NoticeContext,
  matches: string,
): { subject: string; text: string } {
  const host = names.short
  const value = (tag: string) => tags?.value(tag) ?? ''
  if (occasion !== 'ban') {
    const done = occasion === 'start' ? 'started successfully' : 'stopped'
    const subject = `[Fail2Ban] ${jail}: ${occasion === 'start' ? 'started' : 'stopped'} on ${host}`
    return { subject, text: letter(`The jail ${jail} has been ${done}.`) }
  }
  const ip = value('ip')
  const who = `The IP ${ip} has just been banned for ${value('bantime')} seconds`
  const why = `by Fail2Ban after ${value('failures')} attempts against ${jail}.`
  const lines = matchesText(matches, ip, jail, value)
  return { subject: `[Fail2Ban] ${jail}: banned ${ip} from ${host}`, text: letter(`${who}\n${why}${lines}`) }
}

function matchesText(kind: string, ip: string, jail: string, value: (tag: string) => string): string {
  const titles: Readonly<Record<string, string>> = {
    matches: 'Matches for this ban',
    ipmatches: `Matches for ${ip}`,
    ipjailmatches: `Matches for ${ip} for jail ${jail}`,
  }
  const title = Object.hasOwn(titles, kind) ? titles[kind] : undefined
  return title === undefined ? '' : `\n\n${title}:\n${value(kind)}`
}

function letter(text: string): string {
  return `Hi,\n\n${text}\n\nRegards,\nFail2Ban`
}
