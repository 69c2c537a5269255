import { readFileSync } from 'node:fs'
import type { PortRange, Scope } from '../domain/enforcer.js'

const portMax = 65535
const servicesFile = '/etc/services'
/** A jail that names more is a mistake; the kernel would take it, people could not read it. */
const rangesMax = 1000

/** Ports of services by the names that stock jails use (IANA), for machines without /etc/services. The file goes first. */
const wellKnown: Record<string, number> = {
  ssh: 22,
  telnet: 23,
  smtp: 25,
  domain: 53,
  http: 80,
  pop3: 110,
  auth: 113,
  imap: 143,
  imap2: 143,
  imap3: 220,
  snmp: 161,
  ldap: 389,
  https: 443,
  submissions: 465,
  smtps: 465,
  urd: 465,
  ssmtp: 465,
  submission: 587,
  ldaps: 636,
  'ftp-data': 20,
  ftp: 21,
  'ftps-data': 989,
  ftps: 990,
  imaps: 993,
  pop3s: 995,
  'ms-sql-s': 1433,
  socks: 1080,
  mysql: 3306,
  'ms-wbt-server': 3389,
  sieve: 4190,
  sip: 5060,
  'sip-tls': 5061,
  postgresql: 5432,
  'xmpp-client': 5222,
  'http-alt': 8080,
  webmin: 10000,
}

export type Ports = Scope['ports']
export type Protocols = Scope['protocols']

/**
 * Reads Fail2ban's port text: `ssh,http,8000:8100`, also with blanks and `-`. The whole range, `all`, `any` and nothing at all mean
 * every packet. What is not understood comes back as sentences.
 */
export function parsePorts(text: string, services: Services = systemServices): { ports: Ports; problems: string[] } {
  const words = text
    .replace(/[{}]/g, ' ')
    .split(/[\s,]+/)
    .filter((word) => word !== '')
  const problems: string[] = []
  if (words.length > rangesMax)
    return { ports: 'all', problems: [`port names ${words.length} ranges, more than ${rangesMax}`] }
  if (words.length === 0 || words.some((word) => /^(?:all|any|\*)$/i.test(word))) return { ports: 'all', problems }
  const ports: PortRange[] = []
  for (const word of words) {
    const range = parseRange(word, services)
    if (typeof range === 'string') problems.push(range)
    else ports.push(range)
  }
  const isAll = ports.some(({ first, last }) => first <= 1 && last === portMax)
  return { ports: isAll ? 'all' : ports, problems }
}

/** Reads `tcp`, `tcp,udp`, `all`. Protocols without ports (icmp) close nothing of a port, so they are refused by a sentence. */
export function parseProtocols(text: string): { protocols: Protocols; isAll: boolean; problems: string[] } {
  const words = text
    .replace(/[{}]/g, ' ')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((word) => word !== '')
  if (words.length === 0 || words.some((word) => /^(?:all|any|ip|0)$/.test(word)))
    return { protocols: knownProtocols, isAll: true, problems: [] }
  const protocols = knownProtocols.filter((known) => words.some((word) => (numbered[word] ?? word) === known))
  const unknown = words.filter((word) => !(knownProtocols as readonly string[]).includes(numbered[word] ?? word))
  return {
    protocols,
    isAll: false,
    problems: unknown.map((word) => `protocol "${word}" is none of ${knownProtocols.join(', ')}, all`),
  }
}

const knownProtocols: Protocols = ['tcp', 'udp', 'sctp', 'dccp']
const numbered: Record<string, string> = { '6': 'tcp', '17': 'udp', '132': 'sctp', '33': 'dccp' }

/** Finds a service's port. */
export type Services = (name: string) => number | undefined

/** Reads the text of /etc/services (services(5)); a name's first line counts, whatever its protocol. */
export function readServices(text: string): Map<string, number> {
  const found = new Map<string, number>()
  for (const line of text.split('\n')) {
    const [name, numberAndProtocol, ...aliases] = (line.split('#', 1)[0] ?? '').trim().split(/\s+/)
    const port = Number.parseInt(numberAndProtocol ?? '', 10)
    if (name === undefined || !(port >= 0 && port <= portMax)) continue
    for (const each of [name, ...aliases]) if (!found.has(each)) found.set(each, port)
  }
  return found
}

let systemNames: Map<string, number> | undefined

/** The machine's own list, read once; what it lacks is taken from the well-known ones. */
const systemServices: Services = (name) => {
  systemNames ??= readServices(textOrNothing(servicesFile))
  return systemNames.get(name) ?? (Object.hasOwn(wellKnown, name) ? wellKnown[name] : undefined)
}

function textOrNothing(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // No list: numbers and the well-known names still work, and an unknown one is reported.
    return ''
  }
}

function parseRange(word: string, services: Services): PortRange | string {
  // A dash parts numbers only: `ftp-data` is a name.
  const [first = '', last = first] = /^\d+-\d+$/.test(word) ? word.split('-') : word.split(':')
  if (word.split(':').length > 2) return `port "${word}" is not a port, a service's name or a range`
  const from = first === '' ? 0 : portOf(first, services)
  const to = last === '' ? portMax : portOf(last, services)
  if (from === undefined || to === undefined)
    return `port "${word}" is neither a number up to ${portMax} nor the name of a service in ${servicesFile}`
  return from <= to ? { first: from, last: to } : `port range "${word}" ends before it begins`
}

function portOf(word: string, services: Services): number | undefined {
  if (!/^\d+$/.test(word)) return services(word)
  const port = Number(word)
  return port <= portMax ? port : undefined
}
