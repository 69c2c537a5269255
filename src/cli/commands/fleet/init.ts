import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import { listenAddress } from '../../../config/setting-kinds.js'
import type { FleetFacts } from '../../../fleet/enrolment/fleet-dir.js'
import { found } from '../../../fleet/enrolment/found.js'
import { isNodeName } from '../../../fleet/member.js'
import { isFleetName } from '../../../fleet/message/signature.js'
import { brokerUrls } from '../../../fleet/nats/broker-urls.js'
import { isWildcard, ownAddresses, writeServerFiles } from '../../../fleet/nats/managed.js'
import { findServerProgram } from '../../../fleet/nats/server-program.js'
import { systemClock } from '../../../lib/clock.js'
import { CommandFailure, type CommonFlags, type Context, exit, print, printJson, warn } from '../../context.js'
import { addFleetSection, type Place, placeOf, told } from './place.js'

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

/** Makes a fleet. Done twice, the second time changes nothing. */
export async function init(this: Context, flags: InitFlags): Promise<void> {
  const place = placeOf(flags.config)
  const known = await told(() => place.dir.facts())
  if (known !== undefined && known.role !== 'hub')
    throw new CommandFailure(
      `This machine is ${known.name} in the fleet ${known.fleet} already; it cannot make another`,
    )
  const facts = known ?? (await told(() => make(place, flags)))
  if (known === undefined) sayWhatIsLeft(this, flags, place)
  const made = {
    created: known === undefined,
    fleet: facts.fleet,
    name: facts.name,
    url: facts.url,
    dir: place.dir.path,
  }
  if (flags.json) printJson(this, made)
  else print(this, textOf(made, place))
}

async function make(place: Place, flags: InitFlags): Promise<FleetFacts> {
  const listen = listenOf(flags.listen ?? listenByDefault)
  const name = flags.name ?? nameOf(hostname())
  const fleet = flags.fleet ?? `fleet-${randomBytes(4).toString('hex')}`
  if (!isNodeName(name)) throw usage(`--name ${JSON.stringify(name)}: 1 to 32 of a-z, 0-9 and -`)
  if (!isFleetName(fleet)) throw usage(`--fleet ${JSON.stringify(fleet)}: at most 63 of a-z, 0-9, - and .`)
  const nowMs = systemClock.now()
  if (flags.file !== undefined) return found(place.dir, { fleet, name, url: fileUrl(flags.file), nowMs })
  if (flags.nats === undefined) await findServerProgram()
  const url =
    flags.nats === undefined ? urlOf(flags.address ?? addressOf(listen.host), listen.port) : natsUrls(flags.nats)
  const facts = found(place.dir, { fleet, name, url, nowMs })
  // For brokers that others run it is what they have to run; for ours the daemon writes it anew at each start.
  const brokerAt = flags.nats === undefined ? listen : undefined
  writeServerFiles({ dir: place.dir, stateDir: place.stateDir, listen: brokerAt, nowMs })
  return facts
}

function sayWhatIsLeft(context: Context, flags: InitFlags, { configDir }: Place): void {
  const listen = listenOf(flags.listen ?? listenByDefault)
  const enrol = textOfAddress(listen.host, listen.port + 1)
  const managed = { server: 'managed', listen: textOfAddress(listen.host, listen.port) }
  const broker = { transport: 'nats', ...(flags.nats === undefined ? managed : {}) }
  const lines = { ...(flags.file === undefined ? broker : { transport: 'file', path: flags.file }), enrol }
  if (addFleetSection(configDir, lines)) return
  const wanted = Object.entries(lines).map(([key, value]) => `${key} = ${value}`)
  warn(context, `tocsin.local has a [fleet] section, which is left as it is; it should say: ${wanted.join(', ')}`)
}

function textOf(
  made: { created: boolean; fleet: string; name: string; url: string; dir: string },
  place: Place,
): string {
  const { created, fleet, name, url, dir } = made
  const first = created ? `The fleet ${fleet} is made` : `The fleet ${fleet} was made already; nothing is changed`
  const way = url.startsWith('file:') ? 'the shared file' : 'the broker'
  return `${first}: this machine is ${name}, ${way} ${url}, keys and certificates in ${dir}
Keep a copy of ${dir}/operator.seed in a safe place: it decides who is in.
Next: tocsin restart -c ${place.configDir}   (or: tocsin serve), then for each further machine: tocsin fleet invite NAME`
}

/** Where the others find this machine, if nobody says it. */
function addressOf(host: string): string {
  if (!isWildcard(host)) return host
  return ownAddresses()[0] ?? hostname()
}

function urlOf(host: string, port: number): string {
  if (!/^[\w.:-]+$/.test(host)) throw usage(`--address ${JSON.stringify(host)} is neither an address nor a host name`)
  return `tls://${textOfAddress(host, port)}`
}

function fileUrl(file: string): string {
  if (!isAbsolute(file)) throw usage(`--file ${JSON.stringify(file)}: write the whole path, as /shared/newbans.log`)
  return pathToFileURL(file).href
}

function natsUrls(text: string): string {
  const urls = brokerUrls(text)
  const isRight = urls.length > 0 && urls.every((url) => /^(?:tls|nats):\/\/[^/\s]+:\d+$/.test(url))
  if (!isRight)
    throw usage(`--nats ${JSON.stringify(text)} is no broker: write tls://HOST:PORT, several of a cluster by commas`)
  return [...new Set(urls.map((url) => url.replace(/^nats:/, 'tls:')))].join(',')
}

function textOfAddress(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
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
