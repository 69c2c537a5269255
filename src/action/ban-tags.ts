import { type Ip, isSingleAddress, parseIp } from '../domain/address.js'
import { type PyValue, repr } from '../lib/python-repr.js'
import type { TagValues } from '../lib/shell-command.js'
import type { Family } from './properties.js'
import { type BanRecord, textLengthOf } from './remembered.js'
import type { BanSources, BriefBan } from './world.js'

/** The tags of one ban (spec 6.3), each worked out when a command asks for it. Values are hostile text. */
export class BanTags implements TagValues {
  readonly jail: string
  readonly #ban: BriefBan
  readonly #sources: BanSources
  #record: BanRecord | undefined
  #ip: Ip | null | undefined
  #host: string | undefined

  /** `record`: what is known of the ban already; otherwise the store is asked for it when a command wants it. */
  constructor(jail: string, ban: BriefBan, sources: BanSources, record?: BanRecord) {
    this.jail = jail
    this.#ban = ban
    this.#sources = sources
    this.#record = record
  }

  get id(): string {
    return this.#ban.id
  }

  /** The address, or the id when there is none. */
  get ip(): string {
    return this.record.data.ip ?? this.#ban.id
  }

  get family(): Family {
    const ip = this.#address()
    return ip === undefined ? 'raw' : ip.family === 4 ? 'inet4' : 'inet6'
  }

  /** Characters of log text that are kept here. */
  get textLength(): number {
    return this.#record === undefined ? 0 : textLengthOf(this.#record)
  }

  /** Asks for what cannot be had at once, if the text wants it. */
  async prepare(text: string): Promise<void> {
    if (this.#host === undefined && text.includes('<ip-host>')) this.#host = (await this.#hostName()) ?? 'None'
  }

  field(name: string): string | undefined {
    if (name === 'matches') return repr(this.record.lines)
    if (name === 'failures') return String(this.record.failures)
    return this.record.data[name]
  }

  value(tag: string): string | undefined {
    if (tag.startsWith('jail.')) return this.#ofJail(tag.slice(5))
    switch (tag) {
      case 'ip':
        return this.ip
      case 'family':
        return this.family === 'raw' ? 'None' : this.family
      case 'ip-rev':
        return reversed(this.#address(), this.ip)
      case 'ip-host':
        return this.#host
      case 'fid':
        return this.id
      case 'failures':
        return String(this.record.failures)
      case 'time':
        return this.#time()
      case 'bantime':
        return secondsText(this.#ban.durationMs)
      case 'bancount':
        return String(this.#ban.count)
      case 'matches':
        return this.record.lines.join('\n')
      case 'restored':
        return this.#ban.isRestored ? '1' : '0'
      case 'F-*':
        return repr({ ...this.#ticket() })
      case 'raw-ticket':
        return this.#rawTicket()
      default:
        return this.#ofHistory(tag)
    }
  }

  /** For the log, when a command has failed. Without lines and groups: the log is read by jails, too. */
  describe(): string {
    const family = this.family === 'raw' ? null : this.family
    return `ActionInfo(${repr({ ip: this.ip, family, fid: this.id })})`
  }

  get record(): BanRecord {
    this.#record ??= this.#ask(() => this.#sources.lastOf(this.id)) ?? { lines: [], failures: 0, data: {} }
    return this.#record
  }

  /** A store that cannot be read must prevent no ban; it tells its troubles itself. */
  #ask<T>(question: () => T | undefined): T | undefined {
    try {
      return question()
    } catch {
      return undefined
    }
  }

  #address(): Ip | undefined {
    if (this.#ip === undefined) this.#ip = parseIp(this.ip) ?? null
    return this.#ip ?? undefined
  }

  #hostName(): Promise<string | undefined> {
    const ip = this.#address()
    return ip !== undefined && isSingleAddress(ip) ? this.#sources.hostOf(ip.text) : Promise.resolve(undefined)
  }

  #ofJail(name: string): string | undefined {
    if (name === 'name') return this.jail
    const figures = this.#sources.figures()
    if (name === 'banned') return String(figures.banned)
    if (name === 'banned_total') return String(figures.bannedTotal)
    if (name === 'found') return String(figures.found)
    return name === 'found_total' ? String(figures.foundTotal) : undefined
  }

  #ofHistory(tag: string): string | undefined {
    const scope = tag.startsWith('ipjail') ? 'jail' : 'all'
    const of = () => this.#ask(() => this.#sources.history(this.ip, scope)) ?? this.record
    if (tag === 'ipmatches' || tag === 'ipjailmatches') return of().lines.join('\n')
    return tag === 'ipfailures' || tag === 'ipjailfailures' ? String(of().failures) : undefined
  }

  /** Python prints a time from a log or a command as a float, one from the database as an integer. */
  #time(): string {
    const seconds = this.#ban.startMs / 1000
    return this.#ban.isRestored ? String(Math.floor(seconds)) : floatText(seconds)
  }

  #ticket(): { [key: string]: PyValue } {
    const { lines, failures, data } = this.record
    return { matches: [...lines], failures, ...data }
  }

  #rawTicket(): string {
    const { lines, failures } = this.record
    const bantime = secondsText(this.#ban.durationMs)
    const head = `BanTicket: ip=${this.id} time=${this.#time()} bantime=${bantime} bancount=${this.#ban.count}`
    return `${head} #attempts=${failures} matches=${repr([...lines])}`
  }
}

/** The tags of a command that belongs to no ban (start, stop, flush, reload): those of an empty ticket (spec 6.3). */
export function operationTags(options: {
  jail: string
  family: Family
  nowMs: number
  banTimeMs: number | undefined
  sources: BanSources
}): TagValues {
  const { jail, family, nowMs, banTimeMs, sources } = options
  const ban: BriefBan = { id: '', startMs: nowMs, durationMs: banTimeMs, count: 0 }
  const nothing = { lines: [], failures: 0, data: {} }
  const empty: BanSources = {
    figures: () => sources.figures(),
    hostOf: () => Promise.resolve(undefined),
    history: () => undefined,
    lastOf: () => undefined,
  }
  const tags = new BanTags(jail, ban, empty, nothing)
  return {
    field: (name) => tags.field(name),
    value(tag) {
      if (tag === 'family') return family === 'raw' ? 'None' : family
      if (tag === 'raw-ticket') return tags.value(tag)?.replace(/ bantime=\S+/, ' bantime=None')
      return tag === 'ip-host' ? 'None' : tags.value(tag)
    },
  }
}

/** As Python's `repr()` of a float. */
function floatText(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value)
}

function secondsText(ms: number | undefined): string {
  return ms === undefined ? '-1' : String(Math.trunc(ms / 1000))
}

/** The name under which a block list has the address; of a network Fail2ban turns the text around as it stands. */
function reversed(ip: Ip | undefined, text: string): string {
  if (ip === undefined) return ''
  if (ip.family === 4) return `${text.split('.').reverse().join('.')}.`
  return `${[...Buffer.from(ip.bytes).toString('hex')].reverse().join('.')}.`
}
