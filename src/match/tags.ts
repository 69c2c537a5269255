import type { UseDns } from './filter-spec.js'

const ip4 = '(?:::f{4,6}:)?(?P<ip4>(?:\\d{1,3}\\.){3}\\d{1,3})'
const ip6 = '(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|:){1,7}(?:[0-9a-fA-F]{1,4}|(?<=:):))'
const dns = '(?P<dns>[\\w\\-.^_]*\\w)'
const cidr = '(?P<cidr>\\d+)'
const addr = `\\[?(?:${ip4}|${ip6})\\]?`
const host = `(?:${addr}|${dns})`
const subnet = `\\[?(?:${ip4}|${ip6})(?:/${cidr})?\\]?`

/** Tags that stand for one expression each (spec section 3.2). */
const expansions: ReadonlyMap<string, string> = new Map([
  ['IP4', ip4],
  ['F-IP4/', ip4],
  ['IP6', ip6],
  ['F-IP6/', ip6],
  ['DNS', dns],
  ['F-DNS/', dns],
  ['ADDR', addr],
  ['F-ADDR/', addr],
  ['CIDR', cidr],
  ['F-CIDR/', cidr],
  ['SUBNET', subnet],
  ['F-SUBNET/', subnet],
  ['F-ID/', '(?P<fid>\\S+)'],
  ['F-PORT/', '(?P<fport>\\w+)'],
])

/** Replaces a filter's tags by Python expressions (spec section 3.2). Unknown tags stay as they are. */
export function expandTags(regex: string, usedns: UseDns): string {
  const opened = new Set<string>()
  let skips = 0
  const expanded = regex.replace(/<(\/?[\p{L}\p{N}_-]+\/?)>/gu, (tag: string, name: string) => {
    if (name === 'HOST') return usedns === 'no' ? addr : host
    if (name === 'SKIPLINES') return `\\n(?P<skiplines${skips++}>(?:(?:.*\\n)*?))`
    const known = expansions.get(name)
    if (known !== undefined) return known
    const own = /^(\/?)F-([A-Z0-9_-]+)$/.exec(name)
    if (own === null) return tag
    const group = own[2] ?? ''
    if (own[1] === '/') return opened.has(group) ? ')' : tag
    opened.add(group)
    return `(?P<${fieldOfTag(group)}>`
  })
  return localFlags(expanded)
}

/** The name under which the text of `<F-NAME>` is known: `ID` is `fid`, `PORT` is `fport`, others in lower case. */
export function fieldOfTag(tag: string): string {
  const name = tag.toLowerCase()
  return name === 'id' ? 'fid' : name === 'port' ? 'fport' : name
}

/** Makes flags at the begin of a group local to it: `((?i)abc)` and `(?:(?i)abc)` become `(?i:abc)` (spec section 3.3). */
function localFlags(regex: string): string {
  return regex.replace(/(?<!\\)\((?:\?:)?(\(\?[a-z]+)\)/g, '$1:')
}
