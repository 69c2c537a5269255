import { parseIp } from '../domain/address.js'
import type { Log } from '../lib/log.js'

/** As `dns.promises.resolveTxt`; must end by itself when nobody answers. */
export type ResolveTxt = (name: string) => Promise<readonly (readonly string[])[]>

/** Whose an address is, for each address in the same order. */
export interface CymruInfo {
  asns: string[]
  countries: string[]
  registries: string[]
}

/** Look-ups at a time: quick for a hundred bans, and no flood for the resolver. */
const lookupsAtOnce = 16
/** Beyond it nobody reads the list, and it would take minutes: the rest is left out, and the log says so. */
const lookupsMax = 1000

/**
 * Asks Team Cymru's DNS service for origin, country and registry of addresses: TXT records `64496 | 192.0.2.0/24 | ZZ | arin | 2001-01-01`
 * (team-cymru.com, IP to ASN mapping). What has no record is `nxdomain`; the first failure of another kind ends the list.
 */
export async function cymruInfo(
  ids: readonly string[],
  { resolveTxt, log }: { resolveTxt: ResolveTxt; log: Log },
): Promise<CymruInfo> {
  const info: CymruInfo = { asns: [], countries: [], registries: [] }
  if (ids.length > lookupsMax)
    log.write('WARNING', 'banmanager', `Only ${lookupsMax} of ${ids.length} addresses are asked for at Cymru`)
  const asked = ids.slice(0, lookupsMax)
  try {
    for (let from = 0; from < asked.length; from += lookupsAtOnce) {
      const some = asked.slice(from, from + lookupsAtOnce)
      for (const [asn, country, registry] of await Promise.all(some.map((id) => lookUp(id, resolveTxt)))) {
        info.asns.push(asn)
        info.countries.push(country)
        info.registries.push(registry)
      }
    }
  } catch (error) {
    log.write('ERROR', 'banmanager', `Failure looking up extended Cymru info: ${String(error)}`)
  }
  return info
}

type Whose = readonly [asn: string, country: string, registry: string]

async function lookUp(id: string, resolveTxt: ResolveTxt): Promise<Whose> {
  const question = questionFor(id)
  if (question === undefined) return ['nxdomain', 'nxdomain', 'nxdomain']
  try {
    const answers = (await resolveTxt(question)).map((parts) => parts.join('').split('|').map(trimmed))
    const column = (at: number) => [...new Set(answers.map((answer) => answer[at] || 'unknown'))].sort().join(', ')
    return [column(0), column(2), column(3)]
  } catch (error) {
    if (isAbsent(error)) return ['nxdomain', 'nxdomain', 'nxdomain']
    throw error
  }
}

function questionFor(id: string): string | undefined {
  const ip = parseIp(id)
  if (ip?.family === 4) return `${[...ip.bytes].reverse().join('.')}.origin.asn.cymru.com`
  if (ip === undefined) return undefined
  const digits = Buffer.from(ip.bytes).toString('hex')
  return `${[...digits].reverse().join('.')}.origin6.asn.cymru.com`
}

function trimmed(text: string): string {
  return text.replace(/^['" ]+|['" ]+$/g, '')
}

function isAbsent(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOTFOUND' || code === 'ENODATA'
}
