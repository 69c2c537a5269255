import { readFileSync } from 'node:fs'
import { setTimeout as pause, setImmediate } from 'node:timers/promises'
import { type Ip, isSingleAddress } from '../domain/address.js'
import type { Scope } from '../domain/enforcer.js'
import type { Clock } from '../lib/clock.js'
import { messageOf } from '../lib/error-message.js'
import { type Cut, CutPlan } from './cut-plan.js'
import { protocolNumbers } from './layout.js'
import { askConnections, type Choice, connectionIn } from './netlink/conntrack.js'
import { NetlinkDialogue, Refusal, type Request } from './netlink/dialogue.js'
import { askSockets, type Question, socketIn } from './netlink/sock-diag.js'

export interface CutterOptions {
  clock: Clock
  /** Gets a sentence when connections are not ended; once, when this kernel never does it. */
  say(sentence: string): void
  /** Gets what was ended, if anything. */
  onCut?(ended: Ended): void
}

export interface Ended {
  /** Sockets of this machine. */
  sockets: number
  /** Connections that the kernel tracks, forwarded ones too. */
  tracked: number
}

/** Full: the newest are not cut. Their packets are kept out all the same, so their connections starve. */
const waitingMax = 10_000
/** Up to so many the kernel's own filter chooses sockets; beyond, we look at all of them. */
const peersInKernelMax = 64
/** Among 262,000 tracked connections, 65 ms of CPU time to choose those of one address, and 1 s to look at all. */
const choicesMax = 8
/**
 * So long the first of a batch waits for others. A look at the sockets costs a millisecond even where there are none (the kernel's table has
 * 262,144 places), and on a machine that is short of processors whom others shut out now comes first.
 */
const gatherMs = 20
/** After work, nine times as long a rest: however long the tables are, they take a tenth of our time. */
const restFactor = 9
const trackedCountFile = '/proc/sys/net/netfilter/nf_conntrack_count'

/**
 * Ends the connections of who is banned: sockets of this machine by SOCK_DESTROY, then the entries of connection tracking, by which
 * forwarded ones go on. What comes while it works is the next batch: one look at the tables is enough for all of it.
 */
export class Cutter {
  readonly #options: CutterOptions
  readonly #waiting = new Map<string, Cut>()
  #sockets: NetlinkDialogue | undefined
  #tracking: NetlinkDialogue | undefined
  #running: Promise<void> | undefined
  #cancelRest: (() => void) | undefined
  /** What this kernel cannot do; tried once. */
  readonly #off = new Set<string>()
  #isReleased = false

  constructor(options: CutterOptions) {
    this.#options = options
  }

  /** Their connections that go to the scope's ports end soon; `settled` tells when. */
  cut(ip: Ip, scope: Scope): void {
    const key = `${ip.text} ${scope.jail}`
    if (this.#waiting.size >= waitingMax && !this.#waiting.has(key)) return
    this.#waiting.set(key, { ip, scope })
    if (this.#running === undefined && this.#cancelRest === undefined) this.#running = this.#work()
  }

  /** Resolves when what is being worked on is done; not what waits for the end of a rest. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  release(): void {
    this.#isReleased = true
    this.#waiting.clear()
    this.#cancelRest?.()
    this.#sockets?.close()
    this.#tracking?.close()
    this.#sockets = undefined
    this.#tracking = undefined
  }

  async #work(): Promise<void> {
    // Whose packets are kept out by now.
    await pause(gatherMs)
    const startMs = this.#options.clock.now()
    const plan = new CutPlan([...this.#waiting.values()])
    this.#waiting.clear()
    // A socket says good-bye on its way out, so what translates its addresses goes after it.
    const sockets = await this.#try('its sockets stay until they time out', () => this.#destroySockets(plan))
    const tracked = await this.#try('what is forwarded is tracked until it times out', () => this.#forget(plan))
    if (sockets + tracked > 0) this.#options.onCut?.({ sockets, tracked })
    this.#running = undefined
    const restMs = (this.#options.clock.now() - startMs) * restFactor
    this.#cancelRest = this.#options.clock.after(restMs, () => {
      this.#cancelRest = undefined
      if (this.#waiting.size > 0) this.#running = this.#work()
    })
  }

  /** A ban holds without this, so what fails is said and no more. */
  async #try(consequence: string, work: () => Promise<number>): Promise<number> {
    if (this.#isReleased || this.#off.has(consequence)) return 0
    try {
      return await work()
    } catch (error) {
      if (this.#isReleased) return 0
      this.#options.say(`Connections of who is banned are not ended, ${consequence}: ${messageOf(error)}`)
      if (isForGood(error)) this.#off.add(consequence)
      return 0
    }
  }

  async #destroySockets(plan: CutPlan): Promise<number> {
    this.#sockets ??= new NetlinkDialogue('NETLINK_SOCK_DIAG')
    let done = 0
    for (const protocol of [protocolNumbers.tcp, protocolNumbers.udp]) {
      if (!plan.concerns(protocol)) continue
      const found: Request[] = []
      for (const question of questionsOf(plan, protocol)) {
        const reading = this.#sockets.dump(askSockets(question), (message) => {
          const socket = socketIn(message, question)
          if (socket !== undefined && plan.ends(socket.remote, protocol, socket.localPort))
            found.push(socket.destruction)
        })
        await atLeisure(reading)
      }
      const result = this.#sockets.request(found)
      done += result.done
      // Gone meanwhile: ENOENT. This kernel destroys no sockets (CONFIG_INET_DIAG_DESTROY): EOPNOTSUPP.
      const refusal = result.refused.find((code) => code !== 'ENOENT')
      if (refusal !== undefined) throw new Refusal('SOCK_DESTROY', refusal)
    }
    return done
  }

  async #forget(plan: CutPlan): Promise<number> {
    // Asking would load connection tracking where nobody uses it.
    if (!isTracking()) return 0
    this.#tracking ??= new NetlinkDialogue('NETLINK_NETFILTER')
    const found: Request[] = []
    for (const choice of choicesOf(plan)) {
      let isChosen = true
      const reading = this.#tracking.dump(askConnections(choice), (message) => {
        const connection = connectionIn(message)
        if (connection === undefined) return
        const { source, destination, protocol, destinationPort } = connection
        if (choice !== 'all' && choice.by === 'begun' && !source.equals(choice.address)) isChosen = false
        if (plan.ends(source, protocol, destinationPort) || plan.endsOurs(destination)) found.push(connection.removal)
      })
      await atLeisure(reading)
      // An older kernel has shown all of them.
      if (!isChosen) break
    }
    const result = this.#tracking.request(found)
    const refusal = result.refused.find((code) => code !== 'ENOENT')
    if (refusal !== undefined) throw new Refusal('IPCTNL_MSG_CT_DELETE', refusal)
    return result.done
  }
}

/** Others come first after every 32 KiB. No answer for want of a module (udp_diag, nf_conntrack_netlink): then there is nothing. */
async function atLeisure(reading: Generator<undefined, void>): Promise<void> {
  try {
    while (reading.next().done !== true) await setImmediate()
  } catch (error) {
    if (!(error instanceof Refusal && error.code === 'ENOENT')) throw error
  }
}

const codesForGood: ReadonlySet<unknown> = new Set([
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'EPROTONOSUPPORT',
  'EAFNOSUPPORT',
])

function isForGood(error: unknown): boolean {
  return error instanceof Error && 'code' in error && codesForGood.has(error.code)
}

/** IPv4 peers may be on IPv6 sockets, so that both kinds are asked about those. */
function questionsOf({ cuts }: CutPlan, protocol: number): Question[] {
  const peers = cuts.map(({ ip }) => ip)
  const some = peers.length <= peersInKernelMax
  const v4 = peers.filter(({ family }) => family === 4)
  const questions: Question[] = []
  if (v4.length > 0) questions.push({ family: 4, protocol, peers: some ? v4 : [] })
  questions.push({ family: 6, protocol, peers: some ? peers : [] })
  return questions
}

/** For few addresses the kernel chooses; else one look at all of them. */
function choicesOf({ cuts }: CutPlan): Choice[] {
  const byAddress = new Map<string, Choice[]>()
  for (const { ip, scope } of cuts) {
    if (!isSingleAddress(ip)) return ['all']
    const { family, bytes: address } = ip
    const choices: Choice[] = [{ by: 'begun', family, address }]
    if (scope.ports === 'all') choices.push({ by: 'answered', family, address })
    if (choices.length > (byAddress.get(ip.text)?.length ?? 0)) byAddress.set(ip.text, choices)
    if (byAddress.size > choicesMax) return ['all']
  }
  return [...byAddress.values()].flat()
}

function isTracking(): boolean {
  try {
    return Number(readFileSync(trackedCountFile, 'utf8')) > 0
  } catch {
    return false
  }
}
