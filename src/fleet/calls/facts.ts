import { type FleetMode, isFleetMode } from '../mode.js'

/** What a machine says of itself. */
export interface Facts {
  version: string
  /** Bans, and how many of them its kernel has. */
  live: number
  enforced: number
  /** Whether it only says what it would do. */
  simulates: boolean
  /** How far the words of others go there. */
  mode: FleetMode
}

/** Undefined: it is none, or one that claims what cannot be. Others tell it, and it is shown. */
export function factsOf(raw: unknown): Facts | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined
  const { version, live, enforced, simulates, mode } = raw as Record<string, unknown>
  if (typeof version !== 'string' || !/^[\w.+-]{1,32}$/.test(version)) return undefined
  if (!isCount(live) || !isCount(enforced) || enforced > live) return undefined
  if (typeof simulates !== 'boolean' || !isFleetMode(mode)) return undefined
  return { version, live, enforced, simulates, mode }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
