import type { Problem } from '../domain/origin.js'
import { ConfigError, problemOf } from './config-error.js'
import { levelLimits, memberLimits } from './fleet-limits.js'
import { parseLogRate } from './log-rate.js'
import type { MergedIni } from './merged-ini.js'
import { nearest } from './nearest.js'
import { isWrongValue, parseIpv6Prefix, parseSubnetRule } from './own-jail-options.js'
import {
  addresses,
  bytes,
  commandWords,
  count,
  durationMs,
  durationOrOffMs,
  flag,
  interfaceNames,
  type Kind,
  listenAddress,
  networks,
  off,
  oneOf,
  parseMeans,
  percent,
  secretText,
  text,
  webUrl,
  words,
  wordsOutOf,
} from './setting-kinds.js'
import { originOf } from './traced.js'

/** Everything `tocsin.conf` can say. To add a key, add its line; everything else follows from this table. */
const table = {
  api: {
    /** Unix socket of our own API; undefined: `tocsin.sock` beside Fail2ban's socket. */
    socket: text(),
    /** Members of this group may look and ban; undefined: root alone. */
    group: text(),
    /** Where metrics are to be had over TCP; undefined: on the API's socket only. */
    metrics: off(listenAddress),
    /** Where programs with a token may ask for bans; undefined: nowhere. */
    listen: off(listenAddress),
    /** PEM files for TLS there; a certificate may hold its key too. */
    certificate: text(),
    key: text(),
  },
  protect: {
    /** Never ban an address from which somebody is logged in. */
    sessions: flag(true),
    /** Addresses, networks and names that no jail may ban, besides each jail's own `ignoreip`. */
    ignoreip: words(),
    /** Networks, names and `file:` lists of proxies: an address inside stands for many. */
    proxies: networks(),
    /** Never ban private addresses. */
    private: flag(false),
    /** New bans a minute that each jail enforces; 0: any number. */
    budget: count(5000),
    /** Percent of all who are connected that a jail's new bans may hit; 0: any number. */
    budget_peers: percent(50),
    /** Bits of the IPv6 networks that count as one offender; undefined: every address for itself. Jails may say otherwise. */
    ipv6_prefix: off(parseIpv6Prefix),
    /** When a jail bans a whole network; undefined: never. Jails may say otherwise. */
    subnet_escalate: off(parseSubnetRule),
  },
  enforcement: {
    /** Decide, log and store, but close nothing. */
    simulate: flag(false),
    /** The only means to make bans real that is tried; undefined: the best that works. */
    by: off(parseMeans),
    /** Carry out unmodified stock firewall actions in the kernel; else their commands are run. */
    native: flag(true),
    /** How much of what is kept out goes to the kernel's log; undefined: nothing. */
    log: off(parseLogRate),
    /** Whether connections that are open end with the ban. */
    cut: flag(true),
    /** Where packets meet the bans: `ingress` is as soon as they come in by one of `interfaces`, and before routing for the others. */
    hook: oneOf(['prerouting', 'ingress']),
    interfaces: interfaceNames(),
    /** Milliseconds between two comparisons of the kernel with our bans; 0: only when asked for. */
    audit: durationOrOffMs(60_000),
  },
  fleet: {
    /** How this machine hears of the others' bans; `local`: not at all. */
    transport: oneOf(['local', 'file', 'nats']),
    /** Of the broker, `tls://HOST:PORT`, of several of one cluster by commas or spaces; undefined: as the fleet was joined. */
    url: text(),
    /** How this machine is called in the fleet; undefined: as it has joined. */
    name: text(),
    /** The file that machines share (`transport = file`). */
    path: text(),
    /** Whether bans count that nobody has signed, as those by Fail2ban nodes (`transport = file`). */
    unsigned: flag(true),
    /** `managed`: the daemon runs the broker itself, as a child. */
    server: oneOf(['external', 'managed']),
    /** Where the broker that we run listens. */
    listen: off(listenAddress),
    /** Where machines with an invitation are let in; undefined: nowhere. */
    enrol: off(listenAddress),
    /** How far the words of others go here, whatever an operator has said to all: `simulate` tells and does nothing. */
    mode: oneOf(['enforce', 'simulate', 'off']),
    /** How far members are believed, by their level; what is not said is as in fleet/trust/limits. */
    limits: levelLimits(),
    /** The same of one member, whatever its level. */
    member_limits: memberLimits(),
    /** Whom nobody has reason to ban: who does is not believed any more. */
    canaries: addresses(1000),
    /** Whether every word of others that is accepted or refused is written down. */
    audit: flag(true),
    /** Bytes of each of the two files it is written to. */
    audit_size: bytes(8 << 20),
  },
  notify: {
    /** Gets a JSON document by POST for each event. */
    webhook: webUrl(),
    /** Gets the same document on its standard input: a program with its arguments, without a shell. */
    command: commandWords(),
    /** Who gets the digest; nobody: there is none. */
    email_to: words(),
    email_from: text(),
    /** Milliseconds between two digests, if there is something to tell. */
    email_every: durationMs(3_600_000),
    /** `HOST[:PORT]`, `smtp://USER:PASSWORD@HOST:PORT` or `smtps://…`; undefined: by the program sendmail. */
    smtp: secretText(),
    /** Of `ban`, `unban` and `trouble`. */
    events: wordsOutOf(['ban', 'unban', 'trouble'], ['ban', 'trouble']),
  },
} as const

type Table = typeof table
type Settings<S> = { -readonly [K in keyof S]: S[K] extends Kind<infer T> ? T : never }

/** Settings that Fail2ban does not know, from `tocsin.conf` and `tocsin.local`. */
export type OwnSettings = { -readonly [S in keyof Table]: Settings<Table[S]> }

/** `ini` is undefined when there is no such file: all defaults. Unknown sections and keys are errors. */
export function readOwnSettings(ini: MergedIni | undefined, problems: Problem[]): OwnSettings {
  if (ini) complainOfUnknown(ini, problems)
  const section = <S extends keyof Table>(name: S): Settings<Table[S]> => {
    const kinds: Record<string, Kind<unknown>> = table[name]
    const entries = Object.entries(kinds).map(([key, kind]) => [key, readKey(ini, name, key, kind, problems)])
    return Object.fromEntries(entries) as Settings<Table[S]>
  }
  const enforcement = section('enforcement')
  complainOfNoInterface(enforcement, problems)
  const api = section('api')
  complainOfOpenPort(api, problems)
  const fleet = section('fleet')
  complainOfNoFile(fleet, problems)
  return {
    api,
    protect: section('protect'),
    enforcement,
    fleet,
    notify: section('notify'),
  }
}

function complainOfNoInterface({ hook, interfaces }: Settings<Table['enforcement']>, problems: Problem[]): void {
  if (hook === 'prerouting' || interfaces.length > 0) return
  const message = '[enforcement] hook "ingress" needs interfaces, and none is named'
  problems.push({ severity: 'error', message, hint: 'write interfaces = eth0, or leave hook out' })
}

/** A relative one would depend on where the daemon was started. */
function complainOfNoFile({ transport, path }: Settings<Table['fleet']>, problems: Problem[]): void {
  if (transport !== 'file' || path?.startsWith('/')) return
  const message = `[fleet] transport "file" needs a path, and ${path === undefined ? 'none is named' : `"${path}" is not a whole one`}`
  problems.push({ severity: 'error', message, hint: 'write path = /shared/newbans.log' })
}

/** A token that goes over a network in the clear is anybody's. */
function complainOfOpenPort({ listen, certificate }: Settings<Table['api']>, problems: Problem[]): void {
  if (listen === undefined || certificate !== undefined || /^127\.|^::1$/.test(listen.host)) return
  const message = `[api] listen ${listen.host} can be reached by others, and there is no certificate`
  problems.push({ severity: 'error', message, hint: 'name a certificate and its key, or listen on 127.0.0.1' })
}

function readKey<T>(ini: MergedIni | undefined, section: string, key: string, kind: Kind<T>, problems: Problem[]): T {
  try {
    const value = ini?.get(section, key)
    if (value === undefined) return kind.byDefault
    const read = kind.read(value)
    if (!isWrongValue(read)) return read
    const shown = kind.isSecret ? 'as written' : JSON.stringify(value.text)
    // One line of several is named by what is wrong in it.
    const message = `[${section}] ${key}${read.origin === undefined ? ` ${shown}` : ''} ${read.wrong}`
    problems.push({ severity: 'error', message, hint: read.hint, origin: read.origin ?? originOf(value) })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    problems.push(problemOf(error))
  }
  return kind.byDefault
}

function complainOfUnknown(ini: MergedIni, problems: Problem[]): void {
  const known: Record<string, Record<string, unknown>> = table
  for (const section of ini.sectionNames()) {
    if (section === 'INCLUDES') continue
    const keys = known[section]
    if (keys === undefined) {
      const origin = ini.headers.get(section)
      const message = `[${section}] is no section of tocsin.conf`
      problems.push({ severity: 'error', message, ...(origin && { origin }), ...meant(section, known) })
      continue
    }
    for (const [key, value] of ini.sections.get(section) ?? []) {
      if (key in keys) continue
      const message = `[${section}] has no option "${key}"`
      problems.push({ severity: 'error', message, origin: originOf(value), ...meant(key, keys) })
    }
  }
}

function meant(name: string, known: Record<string, unknown>): { hint: string } {
  const close = nearest(name, Object.keys(known))
  const hint = close === undefined ? `there are ${Object.keys(known).join(', ')}` : `did you mean "${close}"?`
  return { hint }
}
