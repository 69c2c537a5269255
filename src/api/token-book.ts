import { createHash, randomBytes } from 'node:crypto'
import { renameSync, statSync, writeFileSync } from 'node:fs'
import { messageOf } from '../lib/error-message.js'
import { readPlainFile } from '../lib/plain-file.js'

/** What the holder of a token may do. The secret itself is kept nowhere. */
export interface Token {
  /** As it stands in `why` and in the log. */
  name: string
  /** SHA-256 of the secret, in hex. */
  hash: string
  /** The one jail it bans in. */
  jail: string
  /** Addresses a minute. */
  perMinute: number
  /** Milliseconds that a ban of it lasts at most. */
  longestMs: number
  sinceMs: number
}

const tokensMax = 1000
const fileBytesMax = 1 << 20

/** Who may ring by HTTP: a small file, read anew when it has changed, so that a removed token is void at once. */
export class TokenBook {
  readonly #path: string
  #seen = ''
  #tokens: readonly Token[] = []

  constructor(path: string) {
    this.#path = path
  }

  /** Throws a sentence when the file cannot be read or is none of ours: then nobody is let in. */
  all(): readonly Token[] {
    const found = statSync(this.#path, { throwIfNoEntry: false })
    const now = found === undefined ? '' : `${found.ino} ${found.mtimeMs} ${found.size}`
    if (now !== this.#seen) {
      this.#tokens = found === undefined ? [] : this.#read()
      this.#seen = now
    }
    return this.#tokens
  }

  holderOf(secret: string): Token | undefined {
    // A hash of 256 random bits: how far a wrong one agrees with it says nothing of the secret.
    const hash = hashOf(secret)
    return this.all().find((token) => token.hash === hash)
  }

  /** Returns the secret, which nobody can be told again. Throws a sentence when the name is taken or no name. */
  add(wish: Omit<Token, 'hash'>): string {
    const secret = `tocsin-${randomBytes(32).toString('base64url')}`
    const token = { ...wish, hash: hashOf(secret) }
    const wrong = wrongIn(token)
    if (wrong !== undefined) throw new Error(`Cannot make the token ${JSON.stringify(wish.name)}: ${wrong}`)
    const others = this.all()
    if (others.some(({ name }) => name === wish.name))
      throw new Error(`There is a token ${wish.name} already; 'tocsin token remove ${wish.name}' makes it void`)
    if (others.length >= tokensMax) throw new Error(`There are ${tokensMax} tokens, which is as many as there can be`)
    this.#write([...others, token])
    return secret
  }

  /** Whether there was one of that name. */
  remove(name: string): boolean {
    const left = this.all().filter((token) => token.name !== name)
    if (left.length === this.all().length) return false
    this.#write(left)
    return true
  }

  #read(): readonly Token[] {
    try {
      const { tokens } = JSON.parse(readPlainFile(this.#path, { bytesMax: fileBytesMax }).toString())
      for (const token of tokens) {
        const wrong = wrongIn(token)
        if (wrong !== undefined) throw new Error(wrong)
      }
      return tokens
    } catch (error) {
      const why = messageOf(error)
      throw new Error(`Cannot read the tokens in ${this.#path}: ${why}; nobody with a token is let in`)
    }
  }

  #write(tokens: readonly Token[]): void {
    const fresh = `${this.#path}.new`
    writeFileSync(fresh, `${JSON.stringify({ tokens }, undefined, 2)}\n`, { mode: 0o600 })
    renameSync(fresh, this.#path)
  }
}

/** What keeps this from being a token, in words. */
function wrongIn(token: Partial<Record<keyof Token, unknown>> | null): string | undefined {
  const { name, hash, jail, perMinute, longestMs, sinceMs } = token ?? {}
  if (typeof name !== 'string' || !/^[a-z0-9][a-z0-9-]{0,31}$/.test(name))
    return 'a name has 1 to 32 of a-z, 0-9 and -, and begins with no -'
  if (typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) return `the hash of ${name} is no SHA-256 in hex`
  if (typeof jail !== 'string' || jail === '' || jail.length > 200) return `the jail of ${name} is none`
  if (!isWithin(perMinute, 1, 100_000)) return `bans a minute of ${name} are no number from 1 to 100000`
  if (!isWithin(longestMs, 1000, Number.MAX_SAFE_INTEGER))
    return `how long ${name} may ban is no number of milliseconds`
  return isWithin(sinceMs, 0, Number.MAX_SAFE_INTEGER) ? undefined : `${name} has no time of its begin`
}

function isWithin(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && value >= least && value <= most
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
