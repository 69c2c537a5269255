import type { BanRecords } from '../../bans/ban-records.js'
import type { Ban } from '../../domain/ban.js'
import type { Bans } from '../../store/bans.js'
import type { FleetPart } from './fleet-part.js'

/** The store's bans, where what is kept or forgotten and the word of it for the others are one transaction. */
export class ToldBans implements BanRecords {
  readonly #bans: Bans
  readonly #fleet: () => Pick<FleetPart, 'tell' | 'untell' | 'untellAll'> | undefined

  /** `fleet`: undefined while this machine is alone. */
  constructor(bans: Bans, fleet: () => Pick<FleetPart, 'tell' | 'untell' | 'untellAll'> | undefined) {
    this.#bans = bans
    this.#fleet = fleet
  }

  add(bans: readonly Ban[], options: { isElsewhere?: boolean } = {}): void {
    const keep = (tell: readonly string[] = []) => this.#bans.add(bans, { tell, ...options })
    const fleet = this.#fleet()
    if (fleet === undefined) keep()
    else fleet.tell(bans, keep)
  }

  remove(bans: readonly Pick<Ban, 'jail' | 'id'>[]): void {
    const keep = (tell: readonly string[] = []) => this.#bans.remove(bans, { tell })
    const fleet = this.#fleet()
    if (fleet === undefined) keep()
    else fleet.untell(bans, keep)
  }

  removeAll(jails: string | readonly string[]): void {
    const keep = (tell: readonly string[] = []) => this.#bans.removeAll(jails, { tell })
    const fleet = this.#fleet()
    if (fleet === undefined) keep()
    else fleet.untellAll([jails].flat(), keep)
  }

  retime(...change: Parameters<BanRecords['retime']>): void {
    this.#bans.retime(...change)
  }

  current(...asked: Parameters<BanRecords['current']>): Ban[] {
    return this.#bans.current(...asked)
  }

  currentInSlices(...asked: Parameters<BanRecords['currentInSlices']>): Iterable<Ban[]> {
    return this.#bans.currentInSlices(...asked)
  }

  history(id: string): Ban[] {
    return this.#bans.history(id)
  }
}
