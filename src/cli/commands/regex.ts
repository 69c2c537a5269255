import { statSync } from 'node:fs'
import { nearest } from '../../config/nearest.js'
import { ConfigFiles } from '../../config/read-order.js'
import { configDir } from '../config-dir.js'
import { CommandFailure, type CommonFlags, type Context, exit, print, printJson } from '../context.js'
import { account } from '../regex/account.js'
import { accountText } from '../regex/account-text.js'
import { type RegexOptions, regexDefaults } from '../regex/arguments.js'
import { openLog } from '../regex/log-choice.js'
import { NameLookup } from '../regex/name-lookup.js'
import { CannotRead } from '../regex/read-whole.js'
import { makeSubject } from '../regex/subject.js'
import { harmless, harmlessLines } from '../render.js'

export interface RegexFlags extends CommonFlags {
  datepattern?: string
  timezone?: string
  encoding?: string
  usedns?: string
  maxlines?: string
  all?: boolean
  verbose?: boolean
}

/** Lines shown of each kind when not all are asked for. */
const linesShown = 20

/** Tests a log or a line against a jail, a filter or a regular expression, and shows what matched where, and how long it took. */
export async function regex(this: Context, flags: RegexFlags, ...words: string[]): Promise<void> {
  const [log, what] = words
  if (log === undefined || what === undefined || words.length > 3)
    throw new CommandFailure('Give a log (file or line) and a filter or regular expression', exit.usage)
  const nowMs = Date.now()
  const options = optionsOf(flags)
  refuseMissingFile(log)
  const made = makeSubject(words, options, nowMs)
  if ('failed' in made)
    throw new CommandFailure(harmlessLines(unknownName(what, options.config) ?? made.failed.join('\n')), exit.config)
  const opened = openLog(log, made.subject, { encoding: options.encoding, skipsOpenEnd: false })
  if ('failed' in opened) throw new CommandFailure(opened.failed)
  const lookup = new NameLookup()
  try {
    const linesMax = flags.all ? Number.POSITIVE_INFINITY : linesShown
    const told = await account(opened.log, made.subject, { lookup, nowMs, linesMax })
    if (flags.json) printJson(this, told)
    else {
      for (const saying of made.sayings.slice(0, 1)) print(this, harmless(saying.replace(/\s+/g, ' ')))
      for (const line of accountText(told, flags.verbose === true)) print(this, line)
    }
  } catch (error) {
    if (error instanceof CannotRead) throw new CommandFailure(harmless(error.message))
    throw error
  } finally {
    await lookup.close()
  }
}

/** Fail2ban's tool takes the name of a file that is not there for a line of log, and finds that it does not match. */
function refuseMissingFile(log: string): void {
  const looksLikeFile = /^[^\s:=]*(?:\/[^\s:=]*|\.(?:log|txt|gz|\d))$/.test(log)
  if (!looksLikeFile || log.length > 4095) return
  const found = statSync(log, { throwIfNoEntry: false })
  if (found === undefined) throw new CommandFailure(`There is no file ${harmless(log)}`)
  if (found.isDirectory()) throw new CommandFailure(`${harmless(log)} is a directory; give a file in it`)
}

/** A word that can only have been meant as a name, and is none. Undefined: it is a regular expression, or there. */
function unknownName(word: string, dir: string): string | undefined {
  const name = /^([\w.-]+)(?:\[.*\])?$/s.exec(word)?.[1]
  const names = new ConfigFiles(dir).names('filter.d')
  if (name === undefined || names.includes(name)) return undefined
  const meant = nearest(name, names)
  const hint = meant === undefined ? `see ${dir}/filter.d for the names there are` : `did you mean "${meant}"?`
  return `There is no jail or filter "${name}" in ${dir}, and as a regular expression it lacks <HOST>; ${hint}`
}

function optionsOf(flags: RegexFlags): RegexOptions {
  const maxlines = Number(flags.maxlines ?? 0)
  if (!Number.isInteger(maxlines) || maxlines < 0)
    throw new CommandFailure(
      `Cannot read --maxlines "${flags.maxlines}": write a whole number, 2 for example`,
      exit.usage,
    )
  const defaults = regexDefaults()
  return {
    ...defaults,
    config: configDir(flags.config),
    datepattern: flags.datepattern,
    timezone: flags.timezone,
    encoding: flags.encoding ?? defaults.encoding,
    usedns: flags.usedns,
    maxlines,
  }
}
