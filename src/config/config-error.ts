import type { Origin, Problem } from '../domain/origin.js'

/**
 * Something that makes the whole configuration unusable (spec 1.13). Thrown inside this room only: `load` turns every one
 * into a Problem and goes on with the next jail.
 */
export class ConfigError extends Error {
  readonly origin: Origin | undefined
  readonly hint: string | undefined
  /** What Fail2ban prints after `Failed during configuration: `; for `-t` and `-d`. */
  readonly peerText: string

  constructor(message: string, details: { origin?: Origin; hint?: string; peerText?: string; cause?: unknown } = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause })
    this.name = 'ConfigError'
    this.origin = details.origin
    this.hint = details.hint
    this.peerText = details.peerText ?? message
  }
}

/** A definition error: stops one jail, the others run (spec 1.11, point 4). `peerText` is the reason Fail2ban gives. */
export class JailError extends ConfigError {}

/** `jail`: where it was met; it is named in the problem only when the error stops nothing else. */
export function problemOf(error: ConfigError, jail?: string): Problem {
  return {
    severity: 'error',
    message: error.message,
    ...(jail !== undefined && error instanceof JailError && { jail }),
    ...(error.origin && { origin: error.origin }),
    ...(error.hint !== undefined && { hint: error.hint }),
  }
}
