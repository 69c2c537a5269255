import { lookup } from 'node:dns/promises'
import { parseIp } from '../domain/address.js'
import type { Clock } from '../lib/clock.js'
import { messageOf } from '../lib/error-message.js'
import { keepNewest } from '../lib/keep-newest.js'
import type { Log } from '../lib/log.js'

/** Marks an id that is a host name still to be looked up; no id of a log can begin with a NUL that the reader would let through as a name. */
const mark = '\0host:'

const ageMsMax = 300_000
const namesMax = 1000
/** Look-ups at a time. More: the failure is not counted, and that is logged once; a flood of names must not fill the resolver. */
const askingMax = 32

/**
 * Host names that stand in a log in place of addresses (`usedns = yes` or `warn`, spec 3.8). The reader of lines never waits: it takes
 * `pendingId` as the id, and the failure is counted when the answer is there. Answers, also that there is none, are kept five minutes.
 */
export class HostNames {
  readonly #clock: Clock
  readonly #log: Log
  readonly #known = new Map<string, { addresses: Promise<readonly string[]>; untilMs: number }>()
  #asking = 0
  #isFull = false

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  /** The id of a failure whose address has yet to be asked for. */
  static pendingId(name: string): string {
    return mark + name
  }

  /** The name in such an id. */
  static pendingName(id: string): string | undefined {
    return id.startsWith(mark) ? id.slice(mark.length) : undefined
  }

  /** Its addresses, IPv4 and IPv6, in canonical form; none when it has none or cannot be asked for now. */
  addresses(name: string, jail: string, warns: boolean): Promise<readonly string[]> {
    const nowMs = this.#clock.now()
    const known = this.#known.get(name)
    if (known !== undefined && known.untilMs > nowMs) return known.addresses
    if (this.#asking >= askingMax) {
      if (!this.#isFull)
        this.#log.write(
          'WARNING',
          'ipdns',
          `[${jail}] More than ${askingMax} names are being looked up; failures of further ones are not counted`,
        )
      this.#isFull = true
      return Promise.resolve([])
    }
    const addresses = this.#ask(name, warns)
    this.#known.delete(name)
    this.#known.set(name, { addresses, untilMs: nowMs + ageMsMax })
    keepNewest(this.#known, namesMax)
    return addresses
  }

  async #ask(name: string, warns: boolean): Promise<readonly string[]> {
    this.#asking++
    try {
      const answers = await lookup(name, { all: true })
      const texts = [...new Set(answers.flatMap(({ address }) => parseIp(address)?.text ?? []))]
      if (warns)
        this.#log.write(
          'WARNING',
          'ipdns',
          `Determined IP using DNS Lookup: ${name} = {${texts.map((text) => `'${text}'`).join(', ')}}`,
        )
      return texts
    } catch (error) {
      const reason = messageOf(error)
      this.#log.write('WARNING', 'ipdns', `Unable to find a corresponding IP address for ${name}: ${reason}`)
      return []
    } finally {
      this.#asking--
      this.#isFull = false
    }
  }
}
