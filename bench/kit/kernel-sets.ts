import { parseIp } from '../../src/domain/address.js'
import { listSets, readElement } from '../../src/firewall/kernel-reader.js'
import { NftConnection } from '../../src/firewall/netlink/connection.js'

/** Looks into one set of the kernel, element by element: some microseconds whatever the size of the set. */
export class KernelSet {
  readonly #connection: NftConnection
  readonly #set: string

  constructor(table: string, set: string) {
    this.#connection = new NftConnection(table)
    this.#set = set
  }

  has(key: Uint8Array): boolean {
    return readElement(this.#connection, this.#set, key) !== undefined
  }

  /** How many elements it has; undefined where the kernel does not say (before Linux 6.16). */
  size(): number | undefined {
    return listSets(this.#connection).get(this.#set)
  }

  /**
   * Looks without a pause until the key is there and returns when that was, on `process.hrtime`'s clock. Throws after `patienceMs`.
   * NOTE: holds the event loop meanwhile.
   */
  appearance(key: Uint8Array, patienceMs = 10_000): bigint {
    const giveUp = process.hrtime.bigint() + BigInt(patienceMs) * 1_000_000n
    while (!this.has(key))
      if (process.hrtime.bigint() > giveUp) throw new Error(`Not in set ${this.#set} after ${patienceMs} ms`)
    return process.hrtime.bigint()
  }

  close(): void {
    this.#connection.close()
  }
}

/** The nth address of a network that is for experiments only (10.0.0.0/8, 16 million). */
export function address(n: number): string {
  return `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`
}

export function keyOf(ip: string): Uint8Array {
  const parsed = parseIp(ip)
  if (parsed === undefined) throw new Error(`${ip} is not an address`)
  return parsed.bytes
}
