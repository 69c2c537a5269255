/** Where a piece of configuration was written. */
export interface Origin {
  file: string
  /** 1-based; 0 when the whole file is meant. */
  line: number
}

/** Of what was written nowhere: a default. */
export const nowhere: Origin = { file: '', line: 0 }

/** One thing that is wrong with the configuration: what we tried, on what, what we saw, what to do. */
export interface Problem {
  /** An error stops what it belongs to (the jail, or everything when `jail` is missing); a warning stops nothing. */
  severity: 'error' | 'warning'
  message: string
  origin?: Origin
  /** The jail that cannot run because of it; without it the whole configuration is meant. */
  jail?: string
  hint?: string
}

/** A value together with the place it came from. */
export interface Sourced<T = string> {
  value: T
  origin: Origin
}
