/** Fail2ban's own words (spec 7.3), its "not yet" included: its clients, and scripts around them, look for these texts. */

export function noSuchGet(): string {
  return 'Invalid command (no get action or not yet implemented)'
}

/** `name` as Python's `repr` writes it. */
export function noSuchSet(name: string): string {
  return `Invalid command ${name} (no set action or not yet implemented)`
}
