import type { Statement } from './message/statement.js'

/** How far the words of others go, least first: nowhere; decided and told, but not enforced; enforced. */
export const fleetModes = ['off', 'simulate', 'enforce'] as const
export type FleetMode = (typeof fleetModes)[number]

/** What an operator has said to the whole fleet. */
export interface ModeWord {
  mode: FleetMode
  atMs: number
  seq: number
}

export function isFleetMode(value: unknown): value is FleetMode {
  return fleetModes.some((mode) => mode === value)
}

/** Where several have a say, whoever wants least. */
export function leastOf(...modes: readonly FleetMode[]): FleetMode {
  return fleetModes.find((mode) => modes.includes(mode)) ?? 'enforce'
}

/** Undefined: the statement is about something else. */
export function modeWordOf({ content: { mode }, atMs, seq }: Statement): ModeWord | undefined {
  return isFleetMode(mode) ? { mode, atMs, seq } : undefined
}

/** By time, then number; of two at once the one that wants less: everybody comes to the same. */
export function isNewerMode(a: ModeWord, b: ModeWord | undefined): boolean {
  if (b === undefined) return true
  if (a.atMs !== b.atMs) return a.atMs > b.atMs
  if (a.seq !== b.seq) return a.seq > b.seq
  return fleetModes.indexOf(a.mode) < fleetModes.indexOf(b.mode)
}
