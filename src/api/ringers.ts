import type { Clock } from '../lib/clock.js'
import { messageOf } from '../lib/error-message.js'
import type { Log } from '../lib/log.js'
import { TokenBucket } from '../lib/token-bucket.js'
import type { BanOutcome } from './operations.js'
import { BadRequest, readBody, ringBody } from './request-body.js'
import type { Token, TokenBook } from './token-book.js'

/** A ban that somebody with a token asks for. `durationMs` missing: as long as the jail bans. */
export interface Ring {
  ips: string[]
  jail: string
  durationMs?: number | undefined
  longestMs: number
  /** Who asks, for `why` and for mails. */
  by: string
}

export interface RingerOptions {
  book: TokenBook
  ring(ring: Ring): Promise<BanOutcome[] | { unknownJail: string }>
  clock: Clock
  log: Log
}

/**
 * Answers programs that may ban and nothing else: `POST /v1/bans` with `Authorization: Bearer TOKEN` (RFC 6750). Errors are
 * `{"error": "a sentence"}` with 400, 401, 404, 429 or 500; 429 with `Retry-After` in seconds (RFC 9110, 10.2.3).
 */
export class Ringers {
  readonly #options: RingerOptions
  readonly #buckets = new Map<string, TokenBucket>()

  constructor(options: RingerOptions) {
    this.#options = options
  }

  async answer(request: Request): Promise<Response> {
    try {
      return await this.#answer(request)
    } catch (error) {
      if (error instanceof BadRequest) return refusal(400, error.message)
      this.#options.log.write('ERROR', 'api', `Cannot answer somebody with a token: ${messageOf(error)}`)
      return refusal(500, 'It did not work; the log of the daemon says why')
    }
  }

  async #answer(request: Request): Promise<Response> {
    const { book, ring, clock, log } = this.#options
    if (request.method !== 'POST' || new URL(request.url).pathname !== '/v1/bans')
      return refusal(404, 'There is POST /v1/bans here')
    const token = holderOf(book, request.headers.get('authorization'))
    if (token === undefined) return refusal(401, unknown, { 'www-authenticate': 'Bearer' })
    const { name, jail, longestMs, perMinute } = token
    const { ips, durationMs } = await readBody(request, ringBody)
    if (!this.#bucketOf(token).take({ perMinute, burst: perMinute }, clock.now(), ips.length)) {
      log.write('WARNING', 'api', `The token ${name} asks for more than ${perMinute} bans a minute`)
      const sentence = `The token ${name} may ban ${perMinute} addresses a minute, and nothing of this was done`
      return refusal(429, sentence, { 'retry-after': '60' })
    }
    const outcome = await ring({ ips, jail, durationMs, longestMs, by: name })
    if ('unknownJail' in outcome)
      return refusal(404, `There is no jail '${jail}' running, which is where the token ${name} bans`)
    return Response.json(outcome)
  }

  #bucketOf({ hash }: Token): TokenBucket {
    const bucket = this.#buckets.get(hash) ?? new TokenBucket()
    // Those of tokens that are void meanwhile are not kept for ever.
    if (!this.#buckets.has(hash) && this.#buckets.size > 2 * this.#options.book.all().length) this.#buckets.clear()
    this.#buckets.set(hash, bucket)
    return bucket
  }
}

function holderOf(book: TokenBook, authorization: string | null): Token | undefined {
  const [, secret] = /^bearer +([\w-]{1,200})$/i.exec(authorization ?? '') ?? []
  return secret === undefined ? undefined : book.holderOf(secret)
}

const unknown =
  "Who may ban here says so by 'Authorization: Bearer TOKEN'; this is no token of this machine's. 'tocsin token add NAME' makes one"

function refusal(status: number, error: string, headers: Record<string, string> = {}): Response {
  return Response.json({ error }, { status, headers })
}
