import { logLevels } from '../../lib/log.js'
import { type PyValue, repr } from '../../lib/python-repr.js'
import { itemsOf, listOf, str, Unforeseen } from './python-text.js'
import { statsTable } from './stats-table.js'
import { statusText } from './status-text.js'
import { drawTree } from './tree.js'

type Words = readonly string[]
/** Undefined: nothing special, the value is shown as Python prints it. */
type Wording = (value: PyValue, words: Words, isFine: boolean) => string | undefined

/**
 * What `fail2ban-client` prints for the answer to a command (spec 7.4). The wording goes by the first word of the command, else by the
 * second (settings of the server), else by the third (options of a jail); what has none is printed as Python prints it.
 * `isFine`: the terminal shows line drawing characters.
 */
export function replyText(words: Words, value: PyValue, isFine: boolean): string {
  const wording = find(byFirst, words[0]) ?? find(bySecond, words[1]) ?? find(byThird, words[2])
  try {
    return wording?.(value, words, isFine) ?? str(value)
  } catch (error) {
    // Some answers of other versions have another form than the command's name promises: they are shown as they are.
    if (!(error instanceof Unforeseen)) throw error
    return repr(value)
  }
}

/** What is printed for a refusal. */
export function refusalText(className: string, args: readonly PyValue[]): string {
  const [first, second, third] = args
  if (className === 'UnknownJailException') return `Sorry but the jail '${str(first)}' does not exist`
  if (className === 'DuplicateJailException') return `The jail '${str(first)}' already exists`
  if (className === 'IndexError') return 'Sorry but the command is invalid'
  if (className === 'KeyError' && args.length === 1) return repr(first ?? null)
  const isSystem = typeof first === 'number' && typeof second === 'string'
  if (isSystem) return `[Errno ${first}] ${second}${third === undefined ? '' : `: ${repr(third)}`}`
  return args.length === 1 ? str(first) : args.length === 0 ? '' : `(${args.map(repr).join(', ')})`
}

/** The arguments as the log shows them: `('nosuch',)`. */
export function refusalArgs(args: readonly PyValue[]): string {
  const [first, second] = args
  // Python's system errors keep the file apart from their arguments.
  const shown = typeof first === 'number' && typeof second === 'string' ? args.slice(0, 2) : args
  return `(${shown.map(repr).join(', ')}${shown.length === 1 ? ',' : ''})`
}

function find(table: ReadonlyMap<string, Wording>, word: string | undefined): Wording | undefined {
  return word === undefined ? undefined : table.get(word)
}

const statsWords = ['stats', 'statistic', 'statistics']

const byFirst: ReadonlyMap<string, Wording> = new Map<string, Wording>([
  ['ping', (value) => `Server replied: ${str(value)}`],
  ['version', str],
  ['start', () => 'Jail started'],
  [
    'stop',
    (value, words) => (value !== null ? undefined : words.length === 1 ? 'Shutdown successful' : 'Jail stopped'),
  ],
  ['add', (value) => `Added jail ${str(value)}`],
  ['flushlogs', (value) => `logs: ${str(value)}`],
  ['echo', (value) => listOf(value).map(str).join(' ')],
  [
    'status',
    (value, words, isFine) => {
      if (words[1] === '--all' && statsWords.includes(words[2] ?? '')) return statsTable(value, isFine)
      return statusText(value, words[1])
    },
  ],
  ...statsWords.map((word): [string, Wording] => [word, (value, _, isFine) => statsTable(value, isFine)]),
])

const bySecond: ReadonlyMap<string, Wording> = new Map<string, Wording>([
  ['syslogsocket', (value) => `Current syslog socket is:\n\`- ${str(value)}`],
  ['logtarget', (value) => `Current logging target is:\n\`- ${str(value)}`],
  [
    'loglevel',
    (value) => `Current logging level is ${typeof value === 'number' ? `'${levelName(value)}'` : repr(value)}`,
  ],
  ['dbfile', (value) => (value === null ? noDatabase : `Current database file is:\n\`- ${str(value)}`)],
  ['dbpurgeage', (value) => (value === null ? noDatabase : `Current database purge age is:\n\`- ${str(value)}seconds`)],
])

const noDatabase = 'Database currently disabled'

const logpath: Wording = (value) => listed(value, 'Current monitored log file(s):', 'No file is currently monitored')
const ignoreip: Wording = (value) =>
  listed(value, 'These IP addresses/networks are ignored:', 'No IP address/network is ignored')
const regexes: Wording = (value) => {
  const numbered = listOf(value).map((pattern, at) => `[${at}]: ${str(pattern)}`)
  return listed(numbered, 'The following regular expression are defined:', 'No regular expression is defined')
}
const journalmatch: Wording = (value) => {
  const groups = listOf(value).map((group) => listOf(group).map(str).join(' '))
  return groups.length === 0 ? 'No journal match filter set' : `Current match filter:\n${groups.join(' + ')}`
}

const byThird: ReadonlyMap<string, Wording> = new Map<string, Wording>([
  ...withVerbs('logpath', logpath),
  ...withVerbs('ignoreip', ignoreip),
  ...withVerbs('failregex', regexes),
  ...withVerbs('ignoreregex', regexes),
  ...withVerbs('journalmatch', journalmatch),
  ['logencoding', (value) => `Current log encoding is set to:\n${str(value)}`],
  ['datepattern', (value) => `Current date pattern set to: ${datePattern(value)}`],
  ['actions', (value, [, jail]) => named(value, `jail ${jail}`, 'actions')],
  ['actionproperties', (value, [, jail, , action]) => named(value, `jail ${jail} action ${action}`, 'properties')],
  ['actionmethods', (value, [, jail, , action]) => named(value, `jail ${jail} action ${action}`, 'methods')],
  ['banip', bannedIds],
])

function withVerbs(option: string, wording: Wording): [string, Wording][] {
  return ['', 'add', 'del'].map((verb) => [verb + option, wording])
}

function listed(value: PyValue, head: string, none: string): string {
  const items = listOf(value).map((item) => ({ text: str(item) }))
  return items.length === 0 ? none : [head, ...drawTree(items)].join('\n')
}

function named(value: PyValue, owner: string, what: string): string {
  const names = listOf(value).map(str)
  return names.length === 0 ? `No ${what} for ${owner}` : `The ${owner} has the following ${what}:\n${names.join(', ')}`
}

/** `None`, or a pair of pattern and name; without a pattern the name says all. */
function datePattern(value: PyValue): string {
  if (value === null) return 'Not set/required'
  const [pattern = null, name = ''] = listOf(value)
  return pattern === null ? str(name) : `${str(pattern)} (${str(name)})`
}

/** `get JAIL banip [SEPARATOR|--with-time]`; `set JAIL banip` answers with a number. */
function bannedIds(value: PyValue, [verb, , , separator = ' ']: Words): string | undefined {
  const ids = itemsOf(value)
  if (verb !== 'get' || ids === undefined) return undefined
  return ids.map(str).join(separator === '--with-time' ? '\n' : separator)
}

function levelName(level: number): string {
  return Object.entries(logLevels).find(([, number]) => number === level)?.[0] ?? String(level)
}
