/** What nodes see in a day, from published honeypots and block lists (docs/scale.md). */
export interface Day {
  /** Who attacks anybody at all: so many, however large the fleet is. */
  attackers: number
  /** Offenders that come to one node in a day; some of them come to many. */
  visits: number
  /** The share of them that fails three times. */
  ofThree: number
  /** The share that fails so often that the node's own jail bans them. */
  ofFive: number
}

/** Met by nobody else, a node would have 150 sightings and 25 bans on a usual day, 1,200 and 150 on a bad one; on the worst, thirty times as many attack. */
export const days = {
  usual: { attackers: 100_000, visits: 90, ofThree: 2 / 3, ofFive: 25 / 90 },
  bad: { attackers: 100_000, visits: 720, ofThree: 2 / 3, ofFive: 150 / 720 },
  worst: { attackers: 3_000_000, visits: 720, ofThree: 2 / 3, ofFive: 150 / 720 },
} as const satisfies Record<string, Day>

export interface Visit {
  ip: string
  /** Number of the node. */
  node: number
  atMs: number
  failures: 1 | 3 | 5
}

/** So long each of them works. */
const workMs = 2 * 3_600_000
const dayMs = 86_400_000

/** Who comes to which node of a fleet. A quarter of them does half of all. */
export class Attackers {
  readonly #day: Day
  readonly #nodes: number
  readonly #random: () => number
  /** Those at work. */
  readonly #ips: string[]
  #made = 0

  constructor(day: Day, nodes: number, random: () => number) {
    this.#day = day
    this.#nodes = nodes
    this.#random = random
    const length = Math.round((day.attackers * workMs) / dayMs)
    this.#ips = Array.from({ length }, () => this.#newcomer())
  }

  /** The visits of a span of time, in their order. */
  visits(fromMs: number, forMs: number): Visit[] {
    const atWork = this.#ips.length
    for (let n = this.#times((atWork * forMs) / workMs); n > 0; n--) this.#ips[this.#below(atWork)] = this.#newcomer()
    const visits: Visit[] = []
    for (let n = this.#times((this.#nodes * this.#day.visits * forMs) / dayMs); n > 0; n--) visits.push(this.#visit())
    for (const visit of visits) visit.atMs = fromMs + Math.floor(this.#random() * forMs)
    return visits.sort((a, b) => a.atMs - b.atMs)
  }

  #visit(): Visit {
    const { ofThree, ofFive } = this.#day
    const chance = this.#random()
    const ip = this.#ips[Math.floor(this.#random() ** 2 * this.#ips.length)] ?? ''
    const failures = chance < ofFive ? 5 : chance < ofThree ? 3 : 1
    return { ip, node: this.#below(this.#nodes), atMs: 0, failures }
  }

  /** So often on average. */
  #times(expected: number): number {
    return Math.floor(expected) + (this.#random() < expected % 1 ? 1 : 0)
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count)
  }

  /** Addresses all over, another one for each number. */
  #newcomer(): string {
    const bits = Math.imul(++this.#made, 2_654_435_761) >>> 0
    return `${1 + ((bits >>> 24) % 223)}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`
  }
}
