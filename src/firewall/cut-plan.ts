import { contains, type Ip, ipOf, isSingleAddress } from '../domain/address.js'
import type { Scope } from '../domain/enforcer.js'
import { protocolNumbers } from './layout.js'
import { type ElementKey, keyOf } from './touched-keys.js'

/** Whose connections are to end, and which of them. */
export interface Cut {
  ip: Ip
  scope: Scope
}

/** Answers, for one connection after the other, whether it is to end. */
export class CutPlan {
  readonly cuts: readonly Cut[]
  readonly #byAddress = new Map<ElementKey, Scope[]>()
  readonly #networks: Cut[] = []

  constructor(cuts: readonly Cut[]) {
    this.cuts = cuts
    for (const cut of cuts) {
      if (!isSingleAddress(cut.ip)) {
        this.#networks.push(cut)
        continue
      }
      const key = keyOf(cut.ip.bytes)
      const scopes = this.#byAddress.get(key)
      if (scopes === undefined) this.#byAddress.set(key, [cut.scope])
      else scopes.push(cut.scope)
    }
  }

  /** `port` is ours. */
  ends(remote: Buffer, protocol: number, port: number): boolean {
    return this.#scopesAt(remote).some((scope) => isCovered(scope, protocol, port))
  }

  /** Whether connections that this side began are to end too. */
  endsOurs(remote: Buffer): boolean {
    return this.#scopesAt(remote).some(({ ports }) => ports === 'all')
  }

  /** Whether any scope has ports of this protocol. */
  concerns(protocol: number): boolean {
    return this.cuts.some(({ scope }) => scope.ports === 'all' || numbersOf(scope).includes(protocol))
  }

  #scopesAt(remote: Buffer): Scope[] {
    const exact = this.#byAddress.get(keyOf(remote)) ?? none
    if (this.#networks.length === 0) return exact
    const ip = ipOf(remote)
    const around = this.#networks.filter((network) => contains(network.ip, ip))
    return around.length === 0 ? exact : [...exact, ...around.map(({ scope }) => scope)]
  }
}

const none: Scope[] = []

function isCovered(scope: Scope, protocol: number, port: number): boolean {
  if (scope.ports === 'all') return true
  return numbersOf(scope).includes(protocol) && scope.ports.some(({ first, last }) => first <= port && port <= last)
}

function numbersOf({ protocols }: Scope): number[] {
  return protocols.map((protocol) => protocolNumbers[protocol])
}
