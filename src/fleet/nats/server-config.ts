import { textOfPlace } from './broker-urls.js'
import type { ServerIdentity } from './identity.js'

export interface ServerConfig {
  serverName: string
  listen: { host: string; port: number }
  identity: ServerIdentity
  certificateFile: string
  keyFile: string
  /** Where JetStream keeps what it has; a cache, it may be deleted. */
  storeDir: string
  pidFile: string
  /** The other servers of the cluster that it belongs to; missing: it is alone. */
  cluster?: ClusterConfig
  /** JetStream's disk, in bytes; 1 GiB when missing: a million bans are 233 MB (fleet-research B.4). */
  storeBytesMax?: number
}

export interface ClusterConfig {
  name: string
  /** Where the other servers come; theirs are `HOST:PORT`. */
  listen: { host: string; port: number }
  routes: readonly string[]
  /** Whoever shows a certificate of this authority is one of them. */
  authorityFile: string
}

/**
 * The text of a configuration for nats-server. There is no way in but a card signed by the operator: no `no_auth_user`, no
 * password, no listener for monitoring or leaf nodes, and one for routes only in a cluster.
 */
export function serverConfigText(config: ServerConfig): string {
  const { identity, listen } = config
  const accounts = Object.entries(identity.accountJwts).map(([key, jwt]) => `  ${key}: ${quoted(jwt)}`)
  return `# Written by tocsin at each start; changes are lost.
server_name: ${quoted(config.serverName)}
listen: ${quoted(textOfPlace(listen))}
operator: ${quoted(identity.operatorJwt)}
system_account: ${identity.systemAccount}
resolver: MEMORY
resolver_preload: {
${accounts.join('\n')}
}
tls: {
  cert_file: ${quoted(config.certificateFile)}
  key_file: ${quoted(config.keyFile)}
  # A handshake of many nodes at once on a small machine needs longer than the usual 2 s (measured).
  timeout: 10
}
authorization: { timeout: 15 }
jetstream: {
  store_dir: ${quoted(config.storeDir)}
  max_file_store: ${config.storeBytesMax ?? 2 ** 30}
  max_memory_store: ${64 * 2 ** 20}
}
${config.cluster === undefined ? '' : clusterText(config.cluster, config)}pid_file: ${quoted(config.pidFile)}
max_payload: ${2 ** 20}
# A subscriber that reads too slowly is cut off beyond this, and catches up when it is back.
max_pending: ${64 * 2 ** 20}
write_deadline: "10s"
max_connections: 65536
ping_interval: "20s"
ping_max: 2
`
}

/** Servers prove each other who they are as they do to nodes, by a certificate of the fleet's authority. */
function clusterText(
  { name, listen, routes, authorityFile }: ClusterConfig,
  { certificateFile, keyFile }: Pick<ServerConfig, 'certificateFile' | 'keyFile'>,
): string {
  return `cluster: {
  name: ${quoted(name)}
  # The servers talk with each other here: open it to them alone.
  listen: ${quoted(textOfPlace(listen))}
  routes: [
${routes.map((route) => `    ${quoted(`nats-route://${route}`)}`).join('\n')}
  ]
  tls: {
    cert_file: ${quoted(certificateFile)}
    key_file: ${quoted(keyFile)}
    ca_file: ${quoted(authorityFile)}
    verify: true
    timeout: 10
  }
  # Machines know all servers; what a server thinks its address is may be none that they can reach, or is certified for.
  no_advertise: true
}
`
}

/** NOTE: nats-server's language takes a backslash as the beginning of an escape inside double quotes. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
