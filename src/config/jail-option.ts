import { parseIp } from '../domain/address.js'
import { parseIgnoreCache } from '../jail/ignore-command.js'
import type { PyValue } from '../lib/python-repr.js'
import { parseDurationMs } from './duration.js'
import { permanentSeconds } from './edit.js'
import type { JailConfig } from './jail-config.js'
import { shellWords } from './shell-words.js'
import { asBool } from './value.js'

/** An option as `get J option` shows it (spec 7.3); undefined: the configuration alone does not tell, or there is no such option. */
export function jailOption(config: JailConfig, option: string): PyValue | undefined {
  if (option.startsWith('bantime.')) return banTimeOption(config, option.slice('bantime.'.length))
  return Object.hasOwn(options, option) ? options[option]?.(config) : undefined
}

const options: Readonly<Record<string, (config: JailConfig) => PyValue>> = {
  ignoreself: ({ jail }) => jail.ignoreself,
  ignorecommand: ({ jail }) => jail.ignorecommand ?? false,
  ignorecache: ({ jail }) => {
    const cache = jail.ignorecache === undefined ? undefined : parseIgnoreCache(jail.ignorecache, parseDurationMs)
    return cache === undefined ? null : [cache.key, cache.countMax, cache.ageMsMax / 1000]
  },
  ignoreip: ({ jail }) => jail.ignoreip.map(({ value }) => parseIp(value)?.text ?? value),
  findtime: ({ jail }) => jail.findTimeMs / 1000,
  bantime: ({ jail }) => (jail.banTimeMs === undefined ? permanentSeconds : jail.banTimeMs / 1000),
  maxretry: ({ jail }) => jail.maxretry,
  maxmatches: ({ jail }) => jail.maxmatches,
  maxlines: ({ filter }) => filter.maxlines,
  usedns: ({ filter }) => filter.usedns,
  logtimezone: ({ filter }) => filter.logtimezone ?? null,
  logencoding: ({ source }) => (source.kind === 'files' && source.encoding !== 'auto' ? source.encoding : 'UTF-8'),
  journalmatch: ({ source }) => (source.kind === 'journal' ? source.matches.map((line) => shellWords(line) ?? []) : []),
}

/** As Fail2ban keeps them: words as written, times in seconds. */
function banTimeOption({ banTimeExtra }: JailConfig, name: string): PyValue {
  const text = banTimeExtra[name]
  if (text === undefined) return null
  if (name === 'increment') return asBool(text)
  if (name === 'overalljails' && (text === 'True' || text === 'False')) return text === 'True'
  const ms = name === 'maxtime' || name === 'rndtime' ? parseDurationMs(text) : undefined
  return ms === undefined ? text : Math.trunc(ms / 1000)
}
