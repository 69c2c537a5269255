import { mkdirSync } from 'node:fs'
import { hostname, networkInterfaces } from 'node:os'
import path from 'node:path'
import type { FleetDir } from '../enrolment/fleet-dir.js'
import { formerOf } from '../enrolment/membership.js'
import { brokerUrls, hostsOf, placeOfUrl, textOfPlace } from './broker-urls.js'
import { type Certified, isServerCertificateGood, makeServerCertificate } from './certificates.js'
import { authorityOf, serverIdentity } from './identity.js'
import { serverConfigText } from './server-config.js'

export interface ServerPlace {
  dir: FleetDir
  /** Where the broker keeps its streams; may be deleted. */
  stateDir: string
  /** Undefined: others run it, there may be several of them, and the fleet knows where. */
  listen: { host: string; port: number } | undefined
  /** Where the brokers are that others run, if it is not as when the fleet was made. */
  url?: string | undefined
  nowMs: number
}

/** Where the daemon's broker keeps its streams: beside the bans, or in the configuration when these are kept in memory only. */
export function brokerStateDir(dir: FleetDir, database: string | undefined): string {
  return database === undefined ? dir.at('state') : path.join(path.dirname(database), 'fleet')
}

/** Its configuration and its process number. */
export interface ServerFiles {
  configFile: string
  pidFile: string
}

export function serverFiles(dir: FleetDir): ServerFiles {
  return { configFile: dir.at('nats-server.conf'), pidFile: dir.at('nats-server.pid') }
}

/** Of the servers of a cluster: this many above the one for machines; 4722 and 6222. */
const clusterPortOffset = 1500

/**
 * Writes all that nats-server needs, from the keys and the members that are there: for a cluster that others run a configuration for each
 * of its servers. Throws where there is no operator's key.
 */
export function writeServerFiles({ dir, stateDir, listen, url, nowMs }: ServerPlace): ServerFiles {
  const [facts, seed] = [dir.facts(), dir.operatorSeed()]
  if (facts === undefined || seed === undefined)
    throw new Error(
      `Cannot run the fleet's server: there is no operator's key in ${dir.path}; 'tocsin fleet init' makes one`,
    )
  const hosts = [...(listen === undefined ? [] : [listen.host]), ...hostsOf(url ?? facts.url)]
  ensureServerCertificate(dir, { fleet: facts.fleet, hosts, nowMs })
  if (listen !== undefined) mkdirSync(stateDir, { recursive: true, mode: 0o700 })
  const revoked = dir
    .members()
    .flatMap(formerOf)
    .map(({ brokerKey, revokedAtMs }) => ({ brokerKey, atMs: revokedAtMs }))
  const common = {
    identity: serverIdentity(authorityOf(seed), { fleet: facts.fleet, revoked, foundedMs: facts.sinceMs, nowMs }),
    certificateFile: dir.at('server.pem'),
    keyFile: dir.at('server.key'),
    storeDir: stateDir,
    pidFile: serverFiles(dir).pidFile,
  }
  const servers = serversOf(url ?? facts.url, listen)
  for (const [i, server] of servers.entries()) {
    const [name, own] =
      servers.length === 1 ? [facts.name, {}] : [`${facts.fleet}-${i + 1}`, clusterOf(facts.fleet, i, servers, dir)]
    const file = servers.length === 1 ? 'nats-server.conf' : `nats-server-${i + 1}.conf`
    dir.write(file, serverConfigText({ ...common, ...own, serverName: name, listen: server.listen }))
  }
  return serverFiles(dir)
}

interface OneServer {
  listen: { host: string; port: number }
  /** Where the other servers find it. */
  route: string
}

/** The one that we run, or those that others do. */
function serversOf(url: string, listen: ServerPlace['listen']): OneServer[] {
  if (listen !== undefined) return [{ listen, route: '' }]
  return brokerUrls(url).flatMap((one) => {
    const { host, port } = placeOfUrl(one) ?? {}
    if (host === undefined || port === undefined) return []
    const route = textOfPlace({ host, port: clusterPort(port) })
    return [{ listen: { host: '0.0.0.0', port }, route }]
  })
}

function clusterOf(fleet: string, which: number, servers: readonly OneServer[], dir: FleetDir) {
  const port = clusterPort(servers[which]?.listen.port ?? 0)
  const routes = servers.filter((_, i) => i !== which).map(({ route }) => route)
  return { cluster: { name: fleet, listen: { host: '0.0.0.0', port }, routes, authorityFile: dir.at('authority.pem') } }
}

function clusterPort(port: number): number {
  return port + clusterPortOffset > 65_535 ? port - clusterPortOffset : port + clusterPortOffset
}

/** What the servers of this machine show: for the broker, and where machines join. Made anew when it ends soon or lacks a name. */
export function ensureServerCertificate(
  dir: FleetDir,
  { fleet, hosts, nowMs }: { fleet: string; hosts: readonly string[]; nowMs: number },
): Certified {
  const authority = dir.authority()
  if (authority === undefined) throw new Error(`Cannot certify a server: there is no authority.key in ${dir.path}`)
  const names = [...new Set(hosts.filter((host) => !isWildcard(host)))]
  const [certificate, key] = [dir.read('server.pem'), dir.read('server.key')]
  if (certificate !== undefined && key !== undefined && isServerCertificateGood(certificate, names, nowMs))
    return { certificate, key }
  const all = [...new Set([...names, ...ownAddresses(), hostname()])].slice(0, hostsMax)
  const made = makeServerCertificate({ authority, fleet, hosts: all, nowMs })
  dir.write('server.key', made.key)
  dir.write('server.pem', made.certificate)
  return made
}

/** A machine with containers has hundreds of addresses; those that are named come first. */
const hostsMax = 100

export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

/** Not link-local ones: they need an interface's name. */
export function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  const usable = all.filter(({ address }) => !/^(?:fe80:|169\.254\.)/i.test(address))
  return usable.sort((a, b) => Number(a.internal) - Number(b.internal)).map(({ address }) => address)
}
