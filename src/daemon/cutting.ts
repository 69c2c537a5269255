import { parseIp } from '../domain/address.js'
import type { Ban } from '../domain/ban.js'
import type { Enforcer, Scope } from '../domain/enforcer.js'
import type { Cutter } from '../firewall/cut.js'
import type { Clock } from '../lib/clock.js'
import { messageOf } from '../lib/error-message.js'
import type { Log } from '../lib/log.js'

export interface CuttingOptions {
  clock: Clock
  log: Log
  enforcer: Pick<Enforcer, 'kind'>
  /** What the kernel closes for a jail; undefined: nothing, its bans are carried out by its actions, which may close anything. */
  scopeOf(jail: string): Scope | undefined
  /** `[enforcement] cut`, which a reload may change. */
  isOn(): boolean
}

/** Ends the connections of who is newly banned, as far as the jail's ports go in the kernel. */
export class Cutting {
  readonly #options: CuttingOptions
  readonly #cutter: Cutter | undefined

  private constructor(options: CuttingOptions, cutter: Cutter | undefined) {
    this.#options = options
    this.#cutter = cutter
  }

  static async open(options: CuttingOptions): Promise<Cutting> {
    const { clock, log, enforcer } = options
    if (enforcer.kind === 'simulate') return new Cutting(options, undefined)
    const say = (sentence: string) => log.write('WARNING', 'firewall', sentence)
    try {
      // Loaded here, so that a machine for which koffi has no binary can do without.
      const { Cutter: Cuts } = await import('../firewall/cut.js')
      const onCut = ({ sockets, tracked }: { sockets: number; tracked: number }) =>
        log.write(
          'INFO',
          'firewall',
          `Ended ${sockets} socket(s) and ${tracked} tracked connection(s) of who is banned`,
        )
      return new Cutting(options, new Cuts({ clock, say, onCut }))
    } catch (error) {
      if (options.isOn()) say(`Connections of who is banned are not ended: ${messageOf(error)}`)
      return new Cutting(options, undefined)
    }
  }

  /** Call it when the ban is in force; not for restored ones, whose connections ended with the ban's begin. */
  banned(ban: Ban): void {
    if (this.#cutter === undefined || !this.#options.isOn()) return
    const scope = this.#options.scopeOf(ban.jail)
    const ip = scope && parseIp(ban.id)
    if (ip !== undefined && scope !== undefined) this.#cutter.cut(ip, scope)
  }

  release(): void {
    this.#cutter?.release()
  }
}
