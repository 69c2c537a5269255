import type { FleetDrillOutcome, FleetStatus, FleetView } from '../../api/fleet-operations.js'
import type { OwnSettings } from '../../config/own-settings.js'
import type { Ban } from '../../domain/ban.js'
import type { FleetMode } from '../../fleet/mode.js'
import type { Quarantine } from '../../fleet/trust/standing.js'
import type { JailUnit } from '../jails.js'
import type { Lifted } from './ban-word.js'
import type { OperatorWords } from './operator-words.js'
import type { Count } from './sightings.js'

/** This machine's part in a fleet, whatever brings the words from one machine to the other. */
export interface FleetPart {
  /** Bans of this machine's. `keep` writes them down, and the words for the others with them; it may throw. */
  tell(bans: readonly Ban[], keep: (texts: string[]) => void): void
  /** Bans that are lifted by hand. */
  untell(lifts: readonly Lifted[], keep: (texts: string[]) => void): void
  /** The same of all bans of these jails. */
  untellAll(jails: readonly string[], keep: (texts: string[]) => void): void
  /** A jail of this machine has counted a failure that led to no ban, or not yet. */
  counted(unit: JailUnit, id: string, count: Count): void
  /** What can be said to the whole fleet here. */
  readonly operator: Pick<OperatorWords, 'lift' | 'setMode'>
  readonly state: FleetStatus
  readonly view: FleetView
  /** Has the others say how they are; resolves when the view has it, or soon. */
  ask(): Promise<void>
  /** How far the words of others go on this machine, at most. */
  setModeHere(mode: FleetMode): void
  /** Bans an address of nobody's for `forMs` on all machines. Throws a sentence when the others cannot be asked. */
  drill(forMs: number): Promise<FleetDrillOutcome>
  /** An operator's word: whom it names is as good as ever. Undefined: it was so before; throws a sentence when it is no member. */
  release(name: string): Quarantine | undefined
  /** Other limits, canaries and ways to keep the audit, from now on. */
  use(settings: OwnSettings['fleet']): void
  close(): Promise<void>
}
