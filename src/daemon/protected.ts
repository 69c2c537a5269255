import type { BudgetLimits } from '../bans/budget.js'
import { gateways } from '../bans/gateways.js'
import type { Guarded, GuardSource } from '../bans/guarded.js'
import { Protection } from '../bans/protection.js'
import { resolvers } from '../bans/resolvers.js'
import type { Sessions } from '../bans/sessions.js'
import { Watched } from '../bans/watched.js'
import type { OwnSettings } from '../config/own-settings.js'
import { parseIp } from '../domain/address.js'
import type { Sourced } from '../domain/origin.js'
import { IgnoreList, parseIgnoreEntry } from '../jail/ignore-list.js'
import type { Clock } from '../lib/clock.js'
import type { AddressLists } from './address-lists.js'
import type { JailUnit } from './jails.js'
import type { Names } from './names.js'

export interface ProtectedOptions {
  clock: Clock
  /** `[protect]` as it is now. */
  settings(): OwnSettings['protect']
  jails: ReadonlyMap<string, JailUnit>
  sessions: Sessions
  names: Names
  lists: AddressLists
  /** See `Protection`. */
  onAppeared(appeared: readonly Guarded[]): void
}

/** Routes and resolvers change seldom, lists of proxies once a day. */
const lookAgainMs = 5000
/** Looked for changes even while nobody is banned: who becomes protected while he is banned is let in. */
const everyMs = 10_000

/** RFC 1918, 6598 (carriers), 3927 and 4291 (link-local), 4193. */
const privateNetworks = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  'fc00::/7',
  'fe80::/10',
]

/** Who may not be banned on this machine, from everything that knows of somebody. */
export class Protected {
  readonly protection: Protection
  readonly #clock: Clock
  #cancel: () => void = () => {}

  constructor(options: ProtectedOptions) {
    const { clock, jails, onAppeared } = options
    this.#clock = clock
    this.protection = new Protection({
      clock,
      ignored: (jail) => networksOf(jails, jail),
      guards: guardsOf(options),
      onAppeared,
    })
  }

  /** Looks for changes from time to time, until `close`. */
  watch(): void {
    this.protection.refresh()
    this.#cancel = this.#clock.after(everyMs, () => this.watch())
  }

  close(): void {
    this.#cancel()
  }
}

/** `[protect] budget` and `budget_peers`. */
export function budgetOf({ protect }: OwnSettings): BudgetLimits {
  return { perMinute: protect.budget, peersPercent: protect.budget_peers }
}

function guardsOf(options: ProtectedOptions): GuardSource[] {
  const { clock, settings, sessions } = options
  const watched = (look: () => Guarded[]) => new Watched({ clock, maxAgeMs: lookAgainMs, look })
  return [
    watched(gateways),
    watched(resolvers),
    { list: () => (settings().sessions ? sessions.list() : nobody) },
    proxies(options),
    { list: () => (settings().private ? everyPrivate : nobody) },
  ]
}

const nobody: readonly Guarded[] = []

const everyPrivate = privateNetworks
  .flatMap((text) => parseIp(text) ?? [])
  .map((ip): Guarded => ({ ip, kind: 'private', reason: `${ip.text} is private ([protect] private)` }))

/** The networks of `[protect] proxies`; its names and files are read anew from time to time. */
function proxies({ clock, settings, names, lists }: ProtectedOptions): GuardSource {
  let words: readonly Sourced[] | undefined
  let list: IgnoreList | undefined
  const look = () => {
    if (list === undefined || words !== settings().proxies) {
      words = settings().proxies
      list = new IgnoreList({
        entries: words.map(({ value }) => parseIgnoreEntry(value)),
        resolve: (name) => names.get(name),
        readList: (path) => lists.entries(path),
      })
    }
    return list.networks().map((ip): Guarded => ({ ip, kind: 'proxy', reason: `${ip.text} ${proxyHint}` }))
  }
  return new Watched({ clock, maxAgeMs: 1000, look })
}

const proxyHint =
  "is in [protect] proxies, a ban would hit all who come through it: let the log have the real client's address (X-Forwarded-For, PROXY protocol)"

/** Who is ignored in this jail; for a ban by hand without a jail, who is ignored in any. */
function networksOf(jails: ReadonlyMap<string, JailUnit>, jail: string): ReturnType<JailUnit['ignored']['networks']> {
  const unit = jails.get(jail)
  return unit === undefined ? [...jails.values()].flatMap((one) => one.ignored.networks()) : unit.ignored.networks()
}
