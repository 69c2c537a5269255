/** Fail2ban's own words for a command that it does not know (spec 7.3). Its "not yet implemented" is part of the text that its clients, and scripts around them, look for; nothing of ours is missing here. */

export function noSuchGet(): string {
  return 'Invalid command (no get action or not yet implemented)'
}

/** `name` as Python's `repr` writes it. */
export function noSuchSet(name: string): string {
  return `Invalid command ${name} (no set action or not yet implemented)`
}
