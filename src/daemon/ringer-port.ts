import { listenForRingers, type RingerServer } from '../api/ringer-server.js'
import { Ringers } from '../api/ringers.js'
import { TokenBook } from '../api/token-book.js'
import { ring } from './ringing.js'
import type { State } from './state.js'
import { tokensFile } from './token-file.js'

/** Where programs with a token ask for bans, if the configuration opens such a port. Nobody is answered before `ready`. */
export async function openRingerPort(state: State, ready: Promise<void>): Promise<RingerServer | undefined> {
  const { clock, log, config } = state
  const { listen, certificate, key } = config.own.api
  if (listen === undefined) return undefined
  const book = new TokenBook(tokensFile(config.dir))
  book.all()
  const ringers = new Ringers({ book, ring: (asked) => ring(state, asked), clock, log })
  const answer = async (request: Request) => {
    await ready
    return ringers.answer(request)
  }
  return listenForRingers(answer, { ...listen, certificate, key })
}
