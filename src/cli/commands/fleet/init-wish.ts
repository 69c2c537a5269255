import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import { listenAddress } from '../../../config/setting-kinds.js'
import { operatorName } from '../../../fleet/enrolment/fleet-dir.js'
import { isNodeName } from '../../../fleet/member.js'
import { isFleetName } from '../../../fleet/message/signature.js'
import { brokerUrls, placeOfUrl, textOfPlace } from '../../../fleet/nats/broker-urls.js'
import { isWildcard, ownAddresses } from '../../../fleet/nats/managed.js'
import { CommandFailure, type CommonFlags, exit } from '../../context.js'

export interface InitFlags extends CommonFlags {
  listen?: string
  address?: string
  nats?: string
  file?: string
  name?: string
  fleet?: string
  yes?: boolean
}

const listenByDefault = '0.0.0.0:4722'

/** What was asked for, in full. */
export interface Wish {
  fleet: string
  name: string
  url: string
  /** Where the broker listens that the daemon runs; undefined: it runs none. */
  listen: { host: string; port: number } | undefined
  /** The section of tocsin.local. */
  lines: Readonly<Record<string, string>>
}

/** Throws what is wrong with the command line, before anything is made. */
export function wishOf(flags: InitFlags): Wish {
  const at = listenOf(flags.listen ?? listenByDefault)
  const name = flags.name ?? nameOf(hostname())
  const fleet = flags.fleet ?? `fleet-${randomBytes(4).toString('hex')}`
  if (!isNodeName(name) || name === operatorName)
    throw usage(`--name ${JSON.stringify(name)}: 1 to 32 of a-z, 0-9 and -, and not ${operatorName}`)
  if (!isFleetName(fleet)) throw usage(`--fleet ${JSON.stringify(fleet)}: at most 63 of a-z, 0-9, - and .`)
  if (flags.nats !== undefined && flags.file !== undefined)
    throw usage('--nats and --file: a fleet has a broker or a file, one of the two')
  const enrol = textOfPlace({ host: at.host, port: at.port + 1 })
  const common = { fleet, name }
  if (flags.file !== undefined) {
    const url = fileUrl(flags.file)
    return { ...common, url, listen: undefined, lines: { transport: 'file', path: flags.file, enrol } }
  }
  if (flags.nats !== undefined)
    return { ...common, url: natsUrls(flags.nats), listen: undefined, lines: { transport: 'nats', enrol } }
  const url = urlOf(flags.address ?? addressOf(at.host), at.port)
  return { ...common, url, listen: at, lines: { transport: 'nats', server: 'managed', listen: textOfPlace(at), enrol } }
}

/** Where the others find this machine, if nobody says it. */
function addressOf(host: string): string {
  if (!isWildcard(host)) return host
  return ownAddresses()[0] ?? hostname()
}

function urlOf(address: string, port: number): string {
  const host = address.replace(/^\[(.*)\]$/, '$1')
  const isUsable = isIP(host) !== 0 ? !isWildcard(host) : /^[\w-]+(?:\.[\w-]+)*$/.test(host) && !/^[\d.]+$/.test(host)
  if (!isUsable)
    throw usage(
      `--address ${JSON.stringify(address)} is neither an address nor a host name where others find this machine`,
    )
  return `tls://${textOfPlace({ host, port })}`
}

function fileUrl(file: string): string {
  if (!isAbsolute(file)) throw usage(`--file ${JSON.stringify(file)}: write the whole path, as /shared/newbans.log`)
  return pathToFileURL(file).href
}

function natsUrls(text: string): string {
  const urls = brokerUrls(text).map((url) => url.replace(/^nats:/, 'tls:'))
  if (urls.length === 0 || !urls.every(isBrokerUrl))
    throw usage(`--nats ${JSON.stringify(text)} is no broker: write tls://HOST:PORT, several of a cluster by commas`)
  return [...new Set(urls)].join(',')
}

/** No user and password in it: cards are what lets machines in. */
function isBrokerUrl(url: string): boolean {
  const port = placeOfUrl(url)?.port ?? 0
  return /^tls:\/\/[^/\s@]+:\d+$/.test(url) && port > 0
}

function listenOf(text: string): { host: string; port: number } {
  const read = listenAddress(text)
  if (read === undefined || 'wrong' in read || read.port === 65_535)
    throw usage(
      `--listen ${JSON.stringify(text)} is no address with a port: write ${listenByDefault}; the port after it is used, too`,
    )
  return read
}

/** `web7.example.net` is `web7`. */
function nameOf(host: string): string {
  const [label = ''] = host.toLowerCase().split('.')
  return label.replace(/[^a-z0-9-]/g, '-').slice(0, 32)
}

function usage(text: string): CommandFailure {
  return new CommandFailure(text, exit.usage)
}
