import type { PyValue } from '../lib/python-repr.js'
import type { Fail2banServer } from './fail2ban-server.js'

/**
 * What a command is, which decides who may give it and what it must wait for: `read` and `ban` are open to the group of the socket,
 * `inspect` shows what may hold secrets (properties of actions), `change` alters what the configuration says (CVE-2025-45311: whoever
 * sets actions is root). Changes happen one after another.
 */
export type CommandKind = 'read' | 'ban' | 'inspect' | 'change'

/** A command whose words are right, not yet carried out. */
export interface Plan {
  kind: CommandKind
  /** Throws, or rejects with, `CommandError`. */
  run(server: Fail2banServer): PyValue | Promise<PyValue>
}

export function plan(kind: CommandKind, run: Plan['run']): Plan {
  return { kind, run }
}
