import { KnownBans, type Standing } from './known-bans/known-bans.js'
import { randomOf } from './seeded-random.js'
import { Sequences } from './sequence.js'
import type { BanWord, NodeName, UnbanWord } from './word.js'

export interface SimulationOptions {
  /** The same seed, the same round. */
  seed: number
  nodes: number
  /** Bans and lifts, over an hour. */
  words: number
}

export interface Outcome {
  /** Words that were told. */
  told: number
  crashes: number
  partitions: number
  /** Deliveries that the network lost, or brought twice. */
  lost: number
  doubled: number
  /** What differs at the end between a node and the sum of all words: `n3 203.0.113.7: …`. */
  wrong: string[]
  /** How often a word had effect a second time on a node that had not crashed meanwhile. */
  twice: number
}

type StateWord = BanWord | UnbanWord

const minuteMs = 60_000
const startMs = Date.UTC(2026, 0, 1)
const skewMs = 10 * minuteMs
const addresses = 30
/** A node does not shorten a ban without lifting it: each jail bans for one time. */
const jails = [
  { jail: 'sshd', banTimeMs: 30 * minuteMs },
  { jail: 'nginx', banTimeMs: 80 * minuteMs },
]

/**
 * One hour of a fleet whose nodes ban and lift while they crash, are cut off and have wrong clocks, and whose network loses, doubles and
 * reorders. The parts that decide are the real ones (`KnownBans`, `Sequences`); the broker is one that keeps of each node its last
 * snapshot and what came after it. At the end all are connected, and catch up. Pure: everything follows from the seed.
 */
export function simulate(options: SimulationOptions): Outcome {
  return new Simulation(options).run()
}

/** What survives a crash is `own` and `unsent`. */
interface Node {
  name: NodeName
  skewMs: number
  own: StateWord[]
  unsent: StateWord[]
  isConnected: boolean
  known: KnownBans
  sequences: Sequences
  had: Set<StateWord>
}

class Simulation {
  readonly #random: () => number
  readonly #nodes: Node[]
  readonly #options: SimulationOptions
  readonly #broker = { log: [] as StateWord[], snapshots: new Map<NodeName, { words: StateWord[]; logged: number }>() }
  #inFlight: { to: Node; word: StateWord; atMs: number }[] = []
  #nowMs = startMs
  readonly #outcome: Outcome = { told: 0, crashes: 0, partitions: 0, lost: 0, doubled: 0, wrong: [], twice: 0 }

  constructor(options: SimulationOptions) {
    this.#options = options
    this.#random = randomOf(options.seed)
    this.#nodes = Array.from({ length: options.nodes }, (_, i) => {
      const skew = Math.round((2 * this.#random() - 1) * skewMs)
      return { name: `n${i}`, skewMs: skew, own: [], unsent: [], isConnected: true, ...memory() }
    })
  }

  run(): Outcome {
    const stepMs = (60 * minuteMs) / this.#options.words
    for (let i = 0; i < this.#options.words; i++) {
      this.#nowMs += Math.round(2 * stepMs * this.#random())
      this.#deliver()
      this.#say(this.#any(this.#nodes))
      this.#trouble(this.#any(this.#nodes))
    }
    for (const node of this.#nodes) this.#connect(node)
    for (const node of this.#nodes) this.#catchUp(node)
    this.#nowMs += minuteMs
    this.#deliver()
    this.#compare()
    return this.#outcome
  }

  #say(node: Node): void {
    const ip = `203.0.113.${Math.floor(this.#random() * addresses)}`
    const atMs = this.#nowMs + node.skewMs
    const told = { node: node.name, seq: node.own.length + 1, atMs, ip }
    const chance = this.#random()
    const { jail, banTimeMs } = this.#any(jails)
    if (chance < 0.7)
      this.#tell(node, { ...told, kind: 'ban', jail, untilMs: atMs + banTimeMs, failures: 3, byHand: false })
    else if (chance < 0.9) this.#tell(node, lift({ ...told, jail: this.#random() < 0.5 ? jail : undefined }))
    else this.#tell(node, lift({ ...told, jail: undefined, atMs: node.known.liftAtMs(ip, atMs), everywhere: true }))
  }

  /** On disk first, then to itself, then to the others. */
  #tell(node: Node, word: StateWord): void {
    this.#outcome.told++
    node.own.push(word)
    node.unsent.push(word)
    this.#hear(node, word, 'live')
    this.#send(node)
  }

  /** The broker has each word; whoever listens gets it mostly, now or later. An acknowledgement that is lost means that it is sent again. */
  #send(node: Node): void {
    if (!node.isConnected) return
    for (const word of node.unsent) {
      this.#broker.log.push(word)
      for (const to of this.#nodes) if (to !== node && to.isConnected) this.#post(to, word)
    }
    if (this.#random() < 0.9) node.unsent = []
    if (this.#random() < 0.1) this.#snapshot(node)
  }

  #post(to: Node, word: StateWord): void {
    if (this.#random() < 0.05) {
      this.#outcome.lost++
      return
    }
    const copies = this.#random() < 0.05 ? 2 : 1
    this.#outcome.doubled += copies - 1
    for (let i = 0; i < copies; i++)
      this.#inFlight.push({ to, word, atMs: this.#nowMs + Math.round(this.#random() * minuteMs) })
  }

  #deliver(): void {
    const due = this.#inFlight.filter(({ atMs }) => atMs <= this.#nowMs).sort((a, b) => a.atMs - b.atMs)
    this.#inFlight = this.#inFlight.filter(({ atMs }) => atMs > this.#nowMs)
    for (const { to, word } of due) if (to.isConnected) this.#hear(to, word, 'live')
  }

  #hear(node: Node, word: StateWord, arrival: 'live' | 'catch-up'): void {
    if (node.sequences.check(word, { sinceMs: 0 }, arrival) !== 'new') return
    if (node.known.tell(word, { nowMs: this.#nowMs + node.skewMs }) !== 'kept') return
    if (node.had.has(word)) this.#outcome.twice++
    node.had.add(word)
  }

  #trouble(node: Node): void {
    const chance = this.#random()
    if (chance < 0.05) this.#crash(node)
    else if (chance < 0.15) this.#partition(node)
    else if (chance < 0.4) this.#connect(node)
    else if (chance < 0.6) node.known.expire(this.#nowMs + node.skewMs)
  }

  #crash(node: Node): void {
    this.#outcome.crashes++
    this.#inFlight = this.#inFlight.filter(({ to }) => to !== node)
    Object.assign(node, memory())
    for (const word of node.own) this.#hear(node, word, 'catch-up')
    this.#connect(node)
  }

  #partition(node: Node): void {
    if (node.isConnected) this.#outcome.partitions++
    node.isConnected = false
  }

  #connect(node: Node): void {
    node.isConnected = true
    this.#send(node)
    this.#catchUp(node)
  }

  /** Of what the node itself says, as its snapshots at the broker are. */
  #snapshot(node: Node): void {
    const words = [...node.known.words(this.#nowMs + node.skewMs, node.name)]
    this.#broker.snapshots.set(node.name, { words, logged: this.#broker.log.length })
  }

  /** What operators have lifted for everybody is kept by itself, and comes first. */
  #catchUp(node: Node): void {
    const { log, snapshots } = this.#broker
    for (const word of log) if (isForAll(word)) this.#hear(node, word, 'catch-up')
    for (const { words } of snapshots.values())
      for (const word of words) this.#hear(node, this.#original(word), 'catch-up')
    for (const [i, word] of log.entries()) {
      const isInSnapshot = i < (snapshots.get(word.node)?.logged ?? 0)
      if (!isForAll(word) && !isInSnapshot) this.#hear(node, word, 'catch-up')
    }
  }

  /** The word that the snapshot's is a copy of. */
  #original(copy: StateWord): StateWord {
    const teller = this.#nodes.find(({ name }) => name === copy.node)
    return teller?.own[copy.seq - 1] ?? copy
  }

  /** The sum of all words, each known to one who was never away. What has ended by the earliest clock, some have let go of already. */
  #compare(): void {
    const atMs = this.#nowMs + skewMs
    const all = new KnownBans()
    for (const { own } of this.#nodes) for (const word of own) all.tell(word, { nowMs: startMs - skewMs })
    for (let i = 0; i < addresses; i++) {
      const ip = `203.0.113.${i}`
      const wanted = printed(all.standing(ip, atMs))
      for (const { name, known } of this.#nodes) {
        const found = printed(known.standing(ip, atMs))
        if (found !== wanted)
          this.#outcome.wrong.push(`${name} ${ip}: ${found || 'nothing'} instead of ${wanted || 'nothing'}`)
      }
    }
  }

  #any<T>(of: readonly T[]): T {
    const one = of[Math.floor(this.#random() * of.length)]
    if (one === undefined) throw new RangeError('Nothing to choose from')
    return one
  }
}

function memory(): Pick<Node, 'known' | 'sequences' | 'had'> {
  return { known: new KnownBans(), sequences: new Sequences(), had: new Set() }
}

/** The longest that a ban told before may still last. */
function lift(some: Omit<UnbanWord, 'kind' | 'everywhere' | 'untilMs'> & { everywhere?: boolean }): UnbanWord {
  return { kind: 'unban', everywhere: false, ...some, untilMs: some.atMs + 120 * minuteMs }
}

function isForAll(word: StateWord): boolean {
  return word.kind === 'unban' && word.everywhere
}

function printed(standing: readonly Standing[]): string {
  return standing
    .map(({ node, jail, untilMs }) => `${node}/${jail} ${untilMs}`)
    .sort()
    .join(', ')
}
