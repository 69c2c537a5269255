import { TokenBook } from '../../api/token-book.js'
import { parseDurationMs } from '../../config/duration.js'
import { tokensFile } from '../../daemon/token-file.js'
import { systemClock } from '../../lib/clock.js'
import { messageOf } from '../../lib/error-message.js'
import { configDir } from '../config-dir.js'
import { CommandFailure, type CommonFlags, type Context, exit, print, printJson } from '../context.js'
import { durationText, harmless } from '../render.js'

export interface TokenFlags extends CommonFlags {
  jail?: string
  rate?: string
  longest?: string
}

/** Makes a token and prints it, alone on the last line. */
export async function add(this: Context, flags: TokenFlags, name: string): Promise<void> {
  const perMinute = Number(flags.rate ?? '60')
  if (!Number.isSafeInteger(perMinute) || perMinute < 1)
    throw new CommandFailure(`--rate ${harmless(flags.rate ?? '')} is no number of bans a minute`, exit.usage)
  const longestMs = parseDurationMs(flags.longest ?? '1d')
  if (longestMs === undefined || longestMs < 1000)
    throw new CommandFailure(
      `--longest ${harmless(flags.longest ?? '')} is not a duration; try 10m, 1h, 2d`,
      exit.usage,
    )
  const { jail = 'manual' } = flags
  const secret = told(() => bookOf(flags).add({ name, jail, perMinute, longestMs, sinceMs: systemClock.now() }))
  if (flags.json) printJson(this, { name, jail, perMinute, longestMs, token: secret })
  else
    print(
      this,
      `${name} may ban ${perMinute} addresses a minute in ${harmless(jail)}, for ${durationText(longestMs)} at most. The token is a secret, and shown this once:\n${secret}`,
    )
}

export async function list(this: Context, flags: CommonFlags): Promise<void> {
  const tokens = told(() => bookOf(flags).all())
  if (flags.json)
    printJson(
      this,
      tokens.map(({ hash: _hash, ...shown }) => shown),
    )
  else if (tokens.length === 0) print(this, "There are no tokens; 'tocsin token add NAME' makes one")
  else
    for (const { name, jail, perMinute, longestMs, sinceMs } of tokens)
      print(
        this,
        `${name.padEnd(32)} ${harmless(jail)}, ${perMinute} a minute, ${durationText(longestMs)} at most, since ${new Date(sinceMs).toISOString()}`,
      )
}

export async function remove(this: Context, flags: CommonFlags, name: string): Promise<void> {
  const isGone = told(() => bookOf(flags).remove(name))
  if (!isGone)
    throw new CommandFailure(`There is no token ${harmless(name)}; 'tocsin token list' shows those there are`)
  if (flags.json) printJson(this, { name, result: 'removed' })
  else print(this, `The token ${harmless(name)} is void from now on; its bans stand`)
}

function bookOf(flags: CommonFlags): TokenBook {
  return new TokenBook(tokensFile(configDir(flags.config)))
}

/** A room's error is a sentence for whoever typed the command. */
function told<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new CommandFailure(messageOf(error))
  }
}
