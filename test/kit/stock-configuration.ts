import { accessSync, constants, cpSync } from 'node:fs'

/** Where Debian's package puts Fail2ban's configuration. */
export const stockDir = '/etc/fail2ban'

/** A copy to change. What this user may not read is none of the package's: Python's cache of an action that root has run, an operator's secrets. */
export function copyConfiguration(from: string, to: string): void {
  cpSync(from, to, { recursive: true, dereference: true, filter: isReadable })
}

function isReadable(name: string): boolean {
  try {
    accessSync(name, constants.R_OK)
    return true
  } catch {
    return false
  }
}
