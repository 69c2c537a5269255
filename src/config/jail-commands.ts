import { existsSync } from 'node:fs'
import { nowhere } from '../domain/origin.js'
import type { PyValue } from '../lib/python-repr.js'
import { propertiesOf } from './action-file.js'
import { ConfigError } from './config-error.js'
import { ownFilterTemplate } from './filter-file.js'
import { type ActionEntry, type JailReading, jailTemplate } from './jail-file.js'
import { tracedOf, type Value } from './merged-ini.js'
import { isWithoutLines } from './own-jail-options.js'
import { pathsMatching } from './path-glob.js'
import type { ConfigFiles } from './read-order.js'
import { textOf } from './server-options.js'
import { shellWords } from './shell-words.js'
import { linesOf, originOf, type Traced, wordsOf } from './traced.js'
import type { Say } from './typed-options.js'

/** One command as Fail2ban's client sends it: `['set', 'sshd', 'maxretry', 5]`. */
export type Command = readonly PyValue[]

export interface StreamContext {
  files: ConfigFiles
  say: Say
  missingLogs: 'error' | 'warning'
}

/** What is sent for one jail, without its start (spec 1.11). Throws ConfigError. */
export function jailCommands(jail: JailReading, context: StreamContext): Command[] {
  const { name, options } = jail
  const filter: Command[] = []
  if (jail.filter) addFilterCommands(filter, name, jail.filter.definition.combined())
  addFilterCommands(filter, name, new Map([...options].map(([option, { value }]) => [option, value])))
  const logs = logCommands(jail, context)
  if ('skipped' in logs) return [['config-error', logs.skipped]]
  return [
    ['add', name, logs.backend],
    ...filter,
    ...optionCommands(jail),
    ...logs.commands,
    ...jail.actions.flatMap((action) => actionCommands(name, action, context.files.dir)),
  ]
}

/** A value of the configuration as it is sent. */
export function sent(value: Value): PyValue {
  return typeof value === 'object' ? value.text : (value ?? null)
}

function asText(value: Value): Traced {
  return tracedOf(value, nowhere)
}

/** `usedns` goes first, then `prefregex` and `maxlines`, the rest behind what is there. */
function addFilterCommands(commands: Command[], jail: string, options: ReadonlyMap<string, Value>): void {
  let front = 0
  for (const [name, value] of options) {
    if (value === undefined) continue
    if (name === 'failregex' || name === 'ignoreregex') {
      const regexes = linesOf(asText(value)).map((line) => line.value)
      if (regexes.length > 1) commands.push(['multi-set', jail, `add${name}`, regexes])
      else if (regexes[0] !== undefined) commands.push(['set', jail, `add${name}`, regexes[0]])
    } else if (name === 'usedns' || name === 'prefregex' || name === 'maxlines') {
      commands.splice(name === 'usedns' ? 0 : front, 0, ['set', jail, name, sent(value)])
      front++
    } else if (name === 'datepattern') commands.push(['set', jail, name, sent(value)])
    else if (name === 'journalmatch') commands.push(...journalCommands(jail, value))
  }
}

function journalCommands(jail: string, value: Value): Command[] {
  return linesOf(asText(value)).map(({ value: line, origin }) => {
    const words = shellWords(line)
    if (words) return ['set', jail, 'addjournalmatch', ...words]
    const hint = 'close the quote'
    throw new ConfigError(`journalmatch ${JSON.stringify(line)} has an open quote`, {
      origin,
      hint,
      peerText: openQuote,
    })
  })
}

const openQuote = 'No closing quotation'

/** Options that are no commands of their own: they were used already, or belong to the filter or the logs. */
const notSent = new Set([
  ...['enabled', 'backend', 'skip_if_nologs', 'systemd_if_nologs', 'filter', 'logpath', 'action'],
  ...['usedns', 'prefregex', 'ignoreregex', 'failregex', 'maxlines', 'datepattern', 'journalmatch'],
  ...ownFilterTemplate.map(([, name]) => name),
])

function optionCommands({ name: jail, options }: JailReading): Command[] {
  return jailTemplate.flatMap(([, name]): Command[] => {
    const option = options.get(name)
    if (option === undefined || notSent.has(name)) return []
    if (name !== 'ignoreip') return [['set', jail, name, sent(option.value)]]
    return [['set', jail, 'addignoreip', ...wordsOf(asText(option.value)).map((word) => word.value)]]
  })
}

type Logs = { backend: string; commands: Command[] } | { skipped: string }

/** Globs are expanded here and now; what then is missing is dealt with as spec 1.12 says. */
function logCommands({ name, options }: JailReading, context: StreamContext): Logs {
  const backend = textOf(options.get('backend'))
  const logpath = options.get('logpath')
  if (logpath === undefined || backend.startsWith('systemd') || isWithoutLines(backend))
    return { backend, commands: [] }
  const commands = asText(logpath.value)
    .text.split('\n')
    .flatMap((line) => {
      const blank = line.lastIndexOf(' ')
      const path = blank < 0 ? line : line.slice(0, blank)
      const start = blank < 0 ? 'head' : line.slice(blank + 1)
      return existing(path, context.say).map((file): Command => ['set', name, 'addlogpath', file, start])
    })
  if (commands.length > 0) return { backend, commands }
  const message = `Have not found any log file for '${name}' jail.`
  if (mayUseJournal(backend, options)) {
    context.say('WARNING', 'jailreader', `${message} Jail will monitor systemd journal.`)
    return { backend: 'systemd', commands }
  }
  const isSkipped = options.get('skip_if_nologs')?.value === true
  if (context.missingLogs === 'error' && !isSkipped) {
    const written = logpath.written
    throw new ConfigError(message, { ...(written && { origin: originOf(written) }) })
  }
  context.say('WARNING', 'jailreader', message)
  return isSkipped ? { skipped: `Jail '${name}' skipped, because of missing log files.` } : { backend, commands }
}

function mayUseJournal(backend: string, options: JailReading['options']): boolean {
  return backend.startsWith('auto') && options.get('systemd_if_nologs')?.value !== false && options.has('journalmatch')
}

function existing(pattern: string, say: Say): string[] {
  const paths = pathsMatching(pattern).filter((path) => {
    if (existsSync(path)) return true
    say('WARNING', 'jailreader', `File ${path} is a dangling link, thus cannot be monitored`)
    return false
  })
  if (paths.length === 0) say('NOTICE', 'jailreader', `No file(s) found for glob ${pattern}`)
  return paths
}

function actionCommands(jail: string, action: ActionEntry, dir: string): Command[] {
  if (action.kind === 'python') {
    const file = action.file.startsWith('/') ? action.file : `${dir}/action.d/${action.file}`
    return [['set', jail, 'addaction', action.name, file, pythonJson(action.args)]]
  }
  const properties = propertiesOf(action.definition).map(([name, value]) => [name, sent(value)] as const)
  const added: Command = ['set', jail, 'addaction', action.name]
  const [first] = properties
  if (properties.length === 1 && first) return [added, ['set', jail, 'action', action.name, ...first]]
  return [added, ['multi-set', jail, 'action', action.name, properties]]
}

/** As `json.dumps` writes an object of texts: blanks after comma and colon, ASCII only. */
function pythonJson(values: ReadonlyMap<string, string>): string {
  const text = (one: string) =>
    JSON.stringify(one).replace(/[\x7f-\uffff]/g, (unit) =>
      unit === '\x7f' ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    )
  return `{${[...values].map(([name, value]) => `${text(name)}: ${text(value)}`).join(', ')}}`
}
