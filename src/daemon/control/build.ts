import { CommandError } from '../../compat/fail2ban-server.js'
import { EditError } from '../../config/edit.js'
import type { JailConfig } from '../../config/load.js'
import { contextOf } from '../assemble.js'
import { buildJail, type JailUnit } from '../jails.js'
import type { State } from '../state.js'

/** A jail of a configuration that a command has made; what is wrong with it is the answer to the command. */
export function buildOrThrow(config: JailConfig, state: State): JailUnit {
  const built = buildJail(config, contextOf(state))
  if ('unit' in built) return built.unit
  const wrong = built.problems.find(({ severity }) => severity === 'error') ?? built.problems[0]
  // The first words name the option, which the client has just named itself.
  const text = wrong?.message.replace(/^\w+: /, '').replace(/^(Unable to compile .*'): (?=[^']*$)/s, '$1:\n')
  throw new CommandError('builtins.Exception', text ?? 'the jail cannot be built')
}

/** What a command does to a configuration; a value that is wrong is the answer to the command. */
export function orThrow<T>(edit: () => T): T {
  try {
    return edit()
  } catch (error) {
    throw error instanceof EditError ? new CommandError(`builtins.${error.kind}`, error.message) : error
  }
}
