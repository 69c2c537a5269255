import { parseIp } from '../domain/address.js'
import { noSuchSet } from '../domain/fail2ban-words.js'
import type { Origin, Sourced } from '../domain/origin.js'
import { incrementProblems } from '../jail/ban-time.js'
import { parseIgnoreCache } from '../jail/ignore-command.js'
import type { JailSpec } from '../jail/jail-spec.js'
import { type PyValue, repr } from '../lib/python-repr.js'
import type { FilterSpec } from '../match/filter-spec.js'
import { textEncoding } from '../source/encoding.js'
import type { LogPath, SourceSpec } from '../source/source-spec.js'
import { incrementFrom } from './ban-time-extra.js'
import { parseDurationMs } from './duration.js'
import type { JailConfig } from './jail-config.js'
import { banTimeOf } from './jail-counting.js'
import { shellWords } from './shell-words.js'
import { asBool, asInt, asText } from './value.js'

/** A value that the option does not take. Its text is what Fail2ban would answer, where that makes sense. */
export class EditError extends Error {
  /** Python's name for what is wrong. */
  readonly kind: 'Exception' | 'ValueError' | 'IndexError' | 'NameError' | 'LookupError'

  constructor(message: string, kind: EditError['kind'] = 'ValueError') {
    super(message)
    this.name = 'EditError'
    this.kind = kind
  }
}

/** What a permanent ban's length is called. */
export const permanentSeconds = -1

/** Where a value comes from that was set by a command. */
export const byCommand: Origin = { file: 'fail2ban-client', line: 0 }

const backends = ['pyinotify', 'polling', 'systemd']

/** A jail that was added by a command: Fail2ban's defaults, no filter, nothing to follow, no action. Throws EditError for a backend that is none. */
export function blankJail(name: string, backend: string): JailConfig {
  if (![...backends, 'auto', 'bans', 'fleet'].includes(backend.replace(/\[.*$/s, '').toLowerCase()))
    throw new EditError(`Unknown backend ${backend}. Must be among ${repr(backends)} or 'auto'`)
  return {
    name,
    origin: byCommand,
    backend,
    filter: { name: '', failregex: [], ignoreregex: [], datepattern: [], maxlines: 1, usedns: 'warn' },
    source: backend.startsWith('systemd') ? { kind: 'journal', matches: [], options: {} } : { kind: 'none' },
    jail: {
      name,
      maxretry: 3,
      findTimeMs: 600_000,
      banTimeMs: 600_000,
      maxmatches: 50,
      ignoreip: [],
      ignoreself: true,
    },
    actions: [],
    scope: { port: undefined, protocol: undefined },
    banTimeExtra: {},
  }
}

/** The jail as it is after `set J option arguments…` (spec 7.3). The old one is not changed. Throws EditError. */
export function edited(config: JailConfig, option: string, args: readonly PyValue[]): JailConfig {
  if (option.startsWith('bantime.')) return withExtra(config, option.slice('bantime.'.length), first(args))
  const edit = Object.hasOwn(edits, option) ? edits[option] : undefined
  if (edit === undefined) throw new EditError(noSuchSet(repr(option)), 'Exception')
  return edit(config, args)
}

type Edit = (config: JailConfig, args: readonly PyValue[]) => JailConfig

const edits: Readonly<Record<string, Edit>> = {
  ignoreself: (config, args) => counting(config, { ignoreself: asFlag(first(args)) }),
  ignorecommand: (config, args) => counting(config, { ignorecommand: asText(first(args)) }),
  ignorecache: (config, args) => {
    const value = asText(first(args))
    if (value !== '' && parseIgnoreCache(value, parseDurationMs) === undefined)
      throw new EditError(`expected option, wrong syntax at 0: ${value}`)
    const { ignorecache: _, ...jail } = config.jail
    return { ...config, jail: value === '' ? jail : { ...jail, ignorecache: value } }
  },
  findtime: (config, args) => counting(config, { findTimeMs: wholeSeconds(first(args)) }),
  bantime: (config, args) => counting(config, { banTimeMs: banTimeOf(wholeSeconds(first(args))) }),
  maxretry: (config, args) => counting(config, { maxretry: integer(first(args)) }),
  maxmatches: (config, args) => counting(config, { maxmatches: integer(first(args)) }),
  addignoreip: (config, args) => {
    const known = new Set(config.jail.ignoreip.map(({ value }) => value))
    const fresh = args
      .map(asText)
      .map(canonical)
      .filter((ip) => ip !== '' && !known.has(ip))
    return counting(config, { ignoreip: [...config.jail.ignoreip, ...fresh.map(sourced)] })
  },
  delignoreip: (config, args) => {
    const gone = canonical(asText(first(args)))
    if (!config.jail.ignoreip.some(({ value }) => value === gone)) throw new EditError('list.remove(x): x not in list')
    return counting(config, { ignoreip: config.jail.ignoreip.filter(({ value }) => value !== gone) })
  },
  logencoding: (config, args) => {
    const encoding = asText(first(args))
    if (encoding !== 'auto' && textEncoding(encoding) === undefined)
      throw new EditError(`unknown encoding: ${encoding}`, 'LookupError')
    return config.source.kind === 'files' ? { ...config, source: { ...config.source, encoding } } : config
  },
  addlogpath: (config, args) => {
    const start = args[1] === undefined ? 'head' : asText(args[1]).toLowerCase()
    if (start !== 'head' && start !== 'tail') throw new EditError("File option must be 'head' or 'tail'")
    const { paths, source } = filesOf(config)
    const path: LogPath = { glob: asGlob(asText(first(args))), start, origin: byCommand }
    return { ...config, source: { ...source, paths: [...paths.filter(({ glob }) => glob !== path.glob), path] } }
  },
  dellogpath: (config, args) => {
    const { paths, source } = filesOf(config)
    const gone = asText(first(args))
    const left = paths.filter(({ glob }) => glob !== gone && glob !== asGlob(gone))
    return { ...config, source: left.length === 0 ? { kind: 'none' } : { ...source, paths: left } }
  },
  addjournalmatch: (config, args) => {
    const { source } = config
    // As Fail2ban: nothing happens to a jail that follows files.
    if (source.kind !== 'journal') return config
    return { ...config, source: { ...source, matches: [...source.matches, ...matchLines(args)] } }
  },
  deljournalmatch: (config, args) => {
    const { source } = config
    if (source.kind !== 'journal') return config
    const groups = source.matches.flatMap((line) => matchLines(shellWords(line) ?? []))
    const gone = matchLines(args)
    if (!gone.every((line) => groups.includes(line))) throw new EditError(`Match ${repr(args.map(asText))} not found`)
    return { ...config, source: { ...source, matches: groups.filter((line) => !gone.includes(line)) } }
  },
  usedns: (config, args) => {
    const word = asText(first(args)).toLowerCase()
    const usedns = word === 'yes' || word === 'warn' || word === 'raw' ? word : word === 'true' ? 'yes' : 'no'
    return filtering(config, { usedns })
  },
  prefregex: (config, args) => {
    const value = asText(first(args))
    const { prefregex: _, ...filter } = config.filter
    return { ...config, filter: value === '' ? filter : { ...filter, prefregex: sourced(value) } }
  },
  maxlines: (config, args) => {
    const maxlines = integer(first(args))
    if (maxlines <= 0) throw new EditError('maxlines must be integer greater than zero')
    return filtering(config, { maxlines })
  },
  logtimezone: (config, args) => {
    const value = asText(first(args))
    const { logtimezone: _, ...filter } = config.filter
    return { ...config, filter: value === '' ? filter : { ...filter, logtimezone: value } }
  },
  datepattern: (config, args) => {
    const lines = asText(first(args)).split('\n').filter(Boolean).map(sourced)
    return filtering(config, { datepattern: lines })
  },
  addfailregex: (config, args) => withRegexes(config, 'failregex', args),
  addignoreregex: (config, args) => withRegexes(config, 'ignoreregex', args),
  delfailregex: (config, args) => withoutRegex(config, 'failregex', first(args)),
  delignoreregex: (config, args) => withoutRegex(config, 'ignoreregex', first(args)),
}

function withRegexes(config: JailConfig, list: 'failregex' | 'ignoreregex', args: readonly PyValue[]): JailConfig {
  const added = args.flatMap((arg) => (Array.isArray(arg) ? arg : [arg])).map((arg) => sourced(asText(arg)))
  return filtering(config, { [list]: [...config.filter[list], ...added] })
}

/** Throws for a place that holds none: the caller decides whether that is worth more than a line in the log (spec 7.3). */
function withoutRegex(config: JailConfig, list: 'failregex' | 'ignoreregex', value: PyValue): JailConfig {
  const index = integer(value)
  const at = index < 0 ? index + config.filter[list].length : index
  if (config.filter[list][at] === undefined)
    throw new EditError(`Cannot remove regular expression. Index ${index} is not valid`, 'IndexError')
  return filtering(config, { [list]: config.filter[list].filter((_, i) => i !== at) })
}

function withExtra(config: JailConfig, name: string, value: PyValue): JailConfig {
  checkExtra(name, asText(value))
  const { [name]: _, ...others } = config.banTimeExtra
  const banTimeExtra = value === null || value === '' ? others : { ...others, [name]: asText(value) }
  const { increment: __, ...jail } = config.jail
  const increment = incrementFrom(banTimeExtra, (option, what) => {
    throw new EditError(`'${banTimeExtra[option]}' ${what}`)
  })
  return { ...config, banTimeExtra, jail: { ...jail, ...(increment && { increment }) } }
}

/** In Fail2ban's words, whether `increment` is on or not. */
function checkExtra(name: string, value: string): void {
  if (value === '') return
  if (name === 'maxtime' || name === 'rndtime') wholeSeconds(value)
  if (name === 'multipliers') for (const word of value.trim().split(/\s+/)) integer(word)
  const isCalculation = name === 'factor' || name === 'formula'
  const [problem] = isCalculation ? incrementProblems({ overalljails: false, [name]: value }) : []
  if (problem === undefined) return
  const word = /^[A-Za-z_]\w*$/.exec(value.trim())?.[0]
  throw word === undefined ? new EditError(problem) : new EditError(`name '${word}' is not defined`, 'NameError')
}

function counting(config: JailConfig, change: Partial<JailSpec>): JailConfig {
  return { ...config, jail: { ...config.jail, ...change } }
}

function filtering(config: JailConfig, change: Partial<FilterSpec>): JailConfig {
  return { ...config, filter: { ...config.filter, ...change } }
}

type Files = Extract<SourceSpec, { kind: 'files' }>

function filesOf({ source, backend }: JailConfig): { paths: readonly LogPath[]; source: Files } {
  if (source.kind === 'files') return { paths: source.paths, source }
  if (source.kind !== 'none') throw new EditError('The jail does not follow files', 'Exception')
  return { paths: [], source: { kind: 'files', paths: [], encoding: 'auto', polling: backend === 'polling' } }
}

/** Lines of `journalmatch`, one for each part between `+`; a word with blanks is quoted. */
function matchLines(args: readonly PyValue[]): string[] {
  const groups: string[][] = [[]]
  for (const word of args.map(asText)) {
    if (word === '+') groups.push([])
    else if (word.indexOf('=') < 1) throw new EditError('Invalid match')
    else groups.at(-1)?.push(/[\s'"\\]/.test(word) ? `'${word.replaceAll("'", `'"'"'`)}'` : word)
  }
  return groups.filter((group) => group.length > 0).map((group) => group.join(' '))
}

/** A path as a glob that matches only itself. */
function asGlob(path: string): string {
  return path.replace(/[[*?]/g, '[$&]')
}

/** The file that a glob of `asGlob` means; other globs as they are. */
export function pathOfGlob(glob: string): string {
  return glob.replace(/\[([[*?])\]/g, '$1')
}

function first(args: readonly PyValue[]): PyValue {
  const [value] = args
  if (value === undefined) throw new EditError('list index out of range', 'IndexError')
  return value
}

/** As Fail2ban prints it: `10.0.0.0/255.0.0.0` is `10.0.0.0/8`. */
function canonical(ip: string): string {
  return parseIp(ip)?.text ?? ip
}

function sourced(value: string): Sourced {
  return { value, origin: byCommand }
}

function asFlag(value: PyValue): boolean {
  return typeof value === 'boolean' ? value : asBool(asText(value))
}

function integer(value: PyValue): number {
  const number = typeof value === 'number' ? Math.trunc(value) : asInt(asText(value))
  if (number !== undefined) return number
  throw new EditError(`invalid literal for int() with base 10: ${repr(value)}`)
}

function wholeSeconds(value: PyValue): number {
  const ms = typeof value === 'number' ? value * 1000 : parseDurationMs(asText(value))
  if (ms !== undefined) return Math.trunc(ms / 1000) * 1000
  const word = /[A-Za-z_]\w*/.exec(asText(value))?.[0] ?? asText(value)
  throw new EditError(`name '${word}' is not defined`, 'NameError')
}
