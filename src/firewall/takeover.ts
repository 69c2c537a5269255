import type { ActionSpec } from '../domain/action-spec.js'
import type { Scope } from '../domain/enforcer.js'
import type { Problem } from '../domain/origin.js'
import { parsePorts, parseProtocols, type Services } from './ports.js'
import { type StockAction, stockAction } from './stock-action.js'
import { verdictOf } from './verdict.js'

export interface Closing {
  /** What the enforcer closes; undefined: no action of this jail is native, and it closes nothing in the kernel. */
  scope: Scope | undefined
  /** Actions that have to be run, in the order written. */
  others: readonly ActionSpec[]
  problems: readonly Problem[]
  /** Where what the enforcer does is not to the letter what the actions say. */
  notes: readonly ClosingNote[]
}

/** `takeoverSentences` has a sentence for each kind. */
export interface ClosingNote {
  kind: 'native' | 'changed' | 'chain' | 'new-only' | 'logs' | 'joined'
  /** Name of the action, or of what is named in the sentence. */
  what: string
}

export interface ClosingOptions {
  jail: string
  actions: readonly ActionSpec[]
  /** False: every action is run, whatever it is (`[enforcement] native = no`). */
  native: boolean
  services?: Services
}

/** Names of stock actions that are native as long as nobody has changed them. */
const family = /^(?:iptables|nftables|firewallcmd)(?:-(?!xt_recent)[\w-]+)?$/

/**
 * Parts a jail's actions: unmodified stock actions that close ports of this machine are carried out by the enforcer, with their own port,
 * protocol and verdict; all others, changed ones among them, have to be run.
 */
export function closeOf({ jail, actions, native, services }: ClosingOptions): Closing {
  const problems: Problem[] = []
  const notes: ClosingNote[] = []
  const others: ActionSpec[] = []
  const scopes: Scope[] = []
  for (const action of actions) {
    const stock = native ? stockAction(action) : undefined
    const isOurs = stock !== undefined && hasPlainValues(stock)
    if (isOurs) {
      scopes.push(scopeOf(jail, action, stock, services, problems))
      notes.push(...notesOn(action, stock))
      continue
    }
    if (native && family.test(action.file.replace(/^.*\//, ''))) notes.push({ kind: 'changed', what: action.name })
    others.push(action)
  }
  const scope = scopes.length > 0 ? scopes.reduce(joined) : undefined
  if (new Set(scopes.map(({ protocols }) => protocols.join())).size > 1) notes.push({ kind: 'joined', what: jail })
  return { scope, others, problems, notes }
}

/** A value that carries more than itself, such as the chain `INPUT -i eth0`, makes another rule of it. */
function hasPlainValues({ values }: StockAction): boolean {
  return [...values].every(([name, value]) => (allowed[name.split('?', 1)[0] ?? ''] ?? word).test(value))
}

const word = /^[^\s'"`$;|&()\\]*$/
/** Ports and protocols are read later; `<rejecttype>` is what the definition itself puts there. */
const target = '(?:DROP|REJECT(?: --reject-with [\\w<>-]+)?|(?:counter )?(?:drop|reject(?: with [\\w -]+)?))'
const allowed: Readonly<Record<string, RegExp>> = {
  port: /(?:)/,
  protocol: /(?:)/,
  blocktype: new RegExp(`^${target}$`),
  'rich-blocktype': /^(?:drop|reject(?: type=(?:'|\\")[\w<>-]+(?:'|\\"))?)$/,
  lockingopt: /^(?:(?:-w|-W|--wait(?:-interval)?)(?:[ =]?\d+)?\s*)*$/,
  // Zero, or the ban's own time: a time of its own would end bans early.
  ipsettime: /^(?:0|.*<bantime>.*|<timeout-bantime>)$/s,
  'default-ipsettime': /^(?:0|.*<bantime>.*|<timeout-bantime>)$/s,
}

function scopeOf(
  jail: string,
  action: ActionSpec,
  { values, namesPorts, namesProtocols, logs }: StockAction,
  services: Services | undefined,
  problems: Problem[],
): Scope {
  const report = (sentence: string) => {
    const hint = 'write numbers, ranges such as 8000:8100, or names from /etc/services'
    problems.push({ severity: 'error', message: sentence, jail, hint, origin: action.origin })
  }
  const ports = namesPorts ? parsePorts(values.get('port') ?? '', services) : { ports: 'all' as const, problems: [] }
  const protocols = parseProtocols(namesProtocols ? (values.get('protocol') ?? '') : 'all')
  for (const problem of [...ports.problems, ...protocols.problems]) report(problem)
  const isEverything = ports.ports === 'all' && protocols.isAll
  // All ports of some protocols: other packets of the banned, such as pings, pass.
  const ranges = ports.ports === 'all' && !isEverything ? [{ first: 0, last: 65535 }] : ports.ports
  const scope: Scope = { jail, ports: ranges, protocols: protocols.protocols, ...verdictOf(targetOf(values)) }
  return logs ? { ...scope, log: { packets: packetsLogged(values), per: 'minute' } } : scope
}

/** Stock actions that log do so 6 times a minute, or at the rate that is their parameter. */
function packetsLogged(values: ReadonlyMap<string, string>): number {
  const rate = Number(values.get('rate'))
  return Number.isInteger(rate) && rate > 0 && rate <= 10_000 ? rate : 6
}

function targetOf(values: ReadonlyMap<string, string>): string {
  const target = values.get('rich-blocktype') ?? values.get('blocktype') ?? 'drop'
  return target.replace(/<rejecttype>/g, values.get('rejecttype') ?? '')
}

function* notesOn({ name }: ActionSpec, { values, chain, newOnly, logs }: StockAction): Generator<ClosingNote> {
  yield { kind: 'native', what: name }
  const written = values.get('chain')
  if (chain !== undefined && written !== undefined && written !== chain) yield { kind: 'chain', what: written }
  if (newOnly) yield { kind: 'new-only', what: name }
  if (logs) yield { kind: 'logs', what: name }
}

/** Two native actions in one jail: a packet is kept out when either would keep it out, and dropped when either would drop it. */
function joined(a: Scope, b: Scope): Scope {
  const protocols = [...new Set([...a.protocols, ...b.protocols])]
  const ports = a.ports === 'all' || b.ports === 'all' ? 'all' : [...a.ports, ...b.ports]
  const { verdict, rejectWith } = a.verdict === 'reject' ? b : a
  const log = a.log ?? b.log
  return {
    jail: a.jail,
    ports,
    protocols,
    ...(verdict && { verdict }),
    ...(rejectWith && { rejectWith }),
    ...(log && { log }),
  }
}

/** What an operator should know of the notes of all jails, each kind said once. */
export function takeoverSentences(notes: ReadonlyMap<string, readonly ClosingNote[]>): string[] {
  return kinds.flatMap((kind) => {
    const found = [...notes].flatMap(([jail, those]) =>
      those.filter((one) => one.kind === kind).map(({ what }) => ({ jail, what })),
    )
    if (found.length === 0) return []
    const names = listed(found.map(({ what }) => what))
    const jails = [...new Set(found.map(({ jail }) => jail))]
    const where = `${jails.length === 1 ? 'jail' : 'jails'} ${listed(jails)}`
    return [sentence(kind, names, where)]
  })
}

const kinds = ['native', 'changed', 'chain', 'new-only', 'logs', 'joined'] as const

function sentence(kind: ClosingNote['kind'], names: string, where: string): string {
  switch (kind) {
    case 'native':
      return `Carried out in the kernel, not by commands: ${names} (${where}); "native = no" in tocsin.conf runs the commands instead`
    case 'changed':
      return `Run as written, because it differs from the stock action: ${names} (${where})`
    case 'chain':
      return `Bans meant for the chain ${names} hold before routing, for forwarded packets too (${where})`
    case 'new-only':
      return `Established connections are cut too where ${names} would let them go on (${where})`
    case 'logs':
      return `What is kept out is logged as "tocsin JAIL: " where ${names} has words of its own (${where})`
    case 'joined':
      return `Actions with different protocols close all their ports for all of these (${where})`
    default:
      return kind satisfies never
  }
}

const listedMax = 5

function listed(names: readonly string[]): string {
  const unique = [...new Set(names)]
  const more = unique.length - listedMax
  return more > 0 ? `${unique.slice(0, listedMax).join(', ')} and ${more} more` : unique.join(', ')
}
