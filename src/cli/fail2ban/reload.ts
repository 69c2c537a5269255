import { repr } from '../../lib/python-repr.js'
import { readCommands } from './configuration.js'
import { converse, isAnswering } from './conversation.js'
import type { Session } from './session.js'

const known = ['--restart', '--unban', '--if-exists']

/**
 * `reload [--restart] [--unban] [--if-exists] [--all | JAIL]` (spec 7.5), `words` being what stands behind `reload`. The configuration is
 * read before anything is sent: while it is wrong the server is not touched.
 */
export async function reload(session: Session, words: readonly string[]): Promise<boolean> {
  if (!(await isAnswering(session))) {
    session.log.say('ERROR', 'Could not find server')
    return false
  }
  const [jail, ...more] = words.filter((word) => !known.includes(word) && word !== '--all')
  if (more.length > 0 || (jail !== undefined && words.includes('--all'))) {
    session.log.say('ERROR', `Unexpected argument(s) for reload: ${repr(words)}`)
    return false
  }
  const stream = readCommands(session, jail)
  if (stream === undefined) return false
  if (session.options.isInteractive) session.print('  ## reload ... ')
  return converse(session, ['reload', jail ?? '--all', words.filter((word) => known.includes(word)), stream])
}
