import type { ShellCommand } from '../lib/shell-command.js'
import type { BanTags } from './ban-tags.js'

export interface HoldBackOptions {
  /** Hands the unbans over to an action of another jail whose live ban they would end; its jail's name, or undefined: there is none. */
  handOver(tags: BanTags, commands: readonly ShellCommand[]): Promise<string | undefined>
  run(command: ShellCommand, mayFail: boolean): Promise<boolean>
  tell(tags: BanTags, holder: string): void
}

/**
 * Block lists that know no jails (hosts.deny, shorewall, ipfw, a plain `iptables -I`): the unban of one jail would end the ban of another.
 * So it is held back and runs behind the unban of the last jail that bans by the same commands. As often as it was banned somebody is
 * unbanned in the end, so lists that keep duplicates are emptied, too. One for each action.
 */
export class HoldBack {
  readonly #options: HoldBackOptions
  /** Ids that this action has let go although their bans may still be listed as live: its jail is being stopped. */
  readonly #released = new Set<string>()
  /** Unbans of other jails that come behind ours, by id: at most one for each live ban. */
  readonly #owed = new Map<string, ShellCommand[]>()

  constructor(options: HoldBackOptions) {
    this.#options = options
  }

  /** Runs our own unban, if we have one, and those that are owed; or hands all of them over. The caller has the texts to himself. */
  async unban(tags: BanTags, own: ShellCommand | undefined): Promise<boolean> {
    this.#released.add(tags.id)
    const owed = this.takeOwed(tags.id)
    const commands = own === undefined ? owed : [own, ...owed]
    const holder = await this.#options.handOver(tags, commands)
    if (holder !== undefined) {
      if (own !== undefined) this.#options.tell(tags, holder)
      return true
    }
    const isGood = own === undefined || (await this.#options.run(own, false))
    // A list without duplicates has nothing left for these.
    for (const command of owed) await this.#options.run(command, true)
    return isGood
  }

  banned(id: string): void {
    this.#released.delete(id)
  }

  isReleased(id: string): boolean {
    return this.#released.has(id)
  }

  forgetReleased(): void {
    this.#released.clear()
  }

  /** Another jail's unbans are to come behind ours. */
  owe(id: string, commands: readonly ShellCommand[]): void {
    this.#owed.set(id, [...(this.#owed.get(id) ?? []), ...commands])
  }

  takeOwed(id: string): ShellCommand[] {
    const owed = this.#owed.get(id) ?? []
    this.#owed.delete(id)
    return owed
  }

  owes(id: string): boolean {
    return this.#owed.has(id)
  }

  get owedIds(): string[] {
    return [...this.#owed.keys()]
  }
}
