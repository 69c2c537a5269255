import type { ActionSpec } from '../domain/action-spec.js'
import type { Scope } from '../domain/enforcer.js'
import type { Origin, Problem, Sourced } from '../domain/origin.js'
import { parsePorts, parseProtocols, type Services } from './ports.js'

export interface Closing {
  scope: Scope
  problems: Problem[]
  /** What of the jail's actions is not carried out, in a sentence each. */
  notes: string[]
}

export interface ClosingOptions {
  jail: string
  actions: readonly ActionSpec[]
  /** The jail's own, for jails whose actions say nothing of ports. */
  port: Sourced | undefined
  protocol: Sourced | undefined
  services?: Services
}

/** Stock actions that only close ports of this machine: what they do, the enforcer does. */
const native =
  /^(?:iptables|iptables-(?:multiport|allports|new|multiport-log|ipset(?:-.+)?)|nftables|nftables-(?:multiport|allports)|firewallcmd-.+)$/

/**
 * What a jail closes, read from its actions: those that only filter packets are carried out by the enforcer, with their own port
 * and protocol; the others are named. A jail without a native action closes what its own `port` and `protocol` say.
 */
export function closeOf({ jail, actions, port, protocol, services }: ClosingOptions): Closing {
  const problems: Problem[] = []
  const others = actions.filter(({ file }) => !native.test(nameOf(file)))
  const scopes = actions
    .filter(({ file }) => native.test(nameOf(file)))
    .map((action) => scopeOfAction(jail, action, services, problems))
  const first = scopes[0] ?? scopeOf({ jail, port, protocol, services }, problems)
  const scope = scopes.slice(1).reduce(joined, first)
  return { scope, problems, notes: [...notesOn(actions, others)] }
}

function* notesOn(actions: readonly ActionSpec[], others: readonly ActionSpec[]): Generator<string> {
  if (actions.length === 0) yield 'it has no action; it bans in the packet filter all the same'
  if (others.length === 0) return
  const names = others.map(({ name }) => `"${name}"`).join(', ')
  const verb = others.length === 1 ? `its action ${names} is` : `its actions ${names} are`
  yield `${verb} not carried out yet; it bans in the packet filter`
}

function nameOf(file: string): string {
  return file.replace(/^.*\//, '').replace(/\.conf$/, '')
}

/**
 * NOTE: `type=allports` and the like are used up when Fail2ban fills in the commands and are no property any more, so the commands
 * themselves are asked whether they match a port.
 */
function scopeOfAction(jail: string, action: ActionSpec, services: Services | undefined, problems: Problem[]): Scope {
  const properties = new Map(action.properties)
  const { origin } = action
  const commands = `${properties.get('actionstart') ?? ''}\n${properties.get('actionban') ?? ''}`
  const namesPorts = nameOf(action.file).endsWith('-allports')
    ? false
    : commands.trim() === '' || /dports?\b|\bport(?:=| port=)/.test(commands)
  const sourced = (name: string): Sourced | undefined => {
    const value = properties.get(name)
    return value === undefined ? undefined : { value, origin }
  }
  const port = namesPorts ? sourced('port') : { value: 'all', origin }
  return scopeOf({ jail, port, protocol: sourced('protocol'), services }, problems)
}

interface Written {
  jail: string
  port: Sourced | undefined
  protocol: Sourced | undefined
  services: Services | undefined
}

function scopeOf({ jail, port, protocol, services }: Written, problems: Problem[]): Scope {
  const report = (sentence: string, origin: Origin | undefined) => {
    const hint = 'write numbers, ranges such as 8000:8100, or names from /etc/services'
    problems.push({ severity: 'error', message: sentence, jail, hint, ...(origin && { origin }) })
  }
  const ports = parsePorts(port?.value ?? '', services)
  // With all ports, the protocol does not matter: every packet is dropped.
  const protocols = ports.ports === 'all' ? undefined : parseProtocols(protocol?.value ?? 'tcp')
  for (const problem of ports.problems) report(problem, port?.origin)
  for (const problem of protocols?.problems ?? []) report(problem, protocol?.origin)
  return { jail, ports: ports.ports, protocols: protocols?.protocols ?? parseProtocols('all').protocols }
}

/** Two native actions in one jail: a packet is dropped when either would drop it. */
function joined(a: Scope, b: Scope): Scope {
  if (a.ports === 'all' || b.ports === 'all') return { ...a, ports: 'all' }
  return { jail: a.jail, ports: [...a.ports, ...b.ports], protocols: [...new Set([...a.protocols, ...b.protocols])] }
}
