import type { Command } from '../../config/jail-commands.js'
import { commandStream } from '../../config/stream.js'
import type { Session } from './session.js'

/**
 * The configuration as commands for the server, of all jails or of one. Undefined when it is wrong as a whole, or no enabled jail is
 * right; what is wrong is said. A log that is not there yet is no error: our server waits for it.
 */
export function readCommands(session: Session, jail?: string): readonly Command[] | undefined {
  const { dir, overrides } = session.options
  const stream = commandStream({
    dir,
    overrides,
    missingLogs: 'warning',
    ignoreWrong: true,
    ...(jail !== undefined && { jail }),
  })
  session.log.sayAll(stream.sayings)
  if (stream.kind === 'failed') {
    session.log.say('ERROR', `Failed during configuration: ${stream.text}`)
    return undefined
  }
  return stream.isAccepted ? stream.commands : undefined
}
