/** What `fail2ban-regex` was asked for (spec section 11.1). */
export interface RegexOptions {
  config: string
  datepattern: string | undefined
  timezone: string | undefined
  encoding: string
  raw: boolean
  usedns: string | undefined
  /** 0: as the filter says. */
  maxlines: number
  journalmatch: string | undefined
  logLevel: string
  verbosity: number
  verboseDate: boolean
  debuggex: boolean
  checkAll: boolean
  out: string | undefined
  printNoMissed: boolean
  printNoIgnored: boolean
  printAllMatched: boolean
  printAllMissed: boolean
  printAllIgnored: boolean
}

export type Arguments =
  | { kind: 'run'; options: RegexOptions; words: string[] }
  | { kind: 'version' | 'short version' | 'help' }
  | { kind: 'wrong'; text: string }

type Rule = [names: string[], kind: 'flag' | 'text' | 'number', apply: (options: RegexOptions, value: string) => void]

const rules: readonly Rule[] = [
  [['-c', '--config'], 'text', (o, v) => Object.assign(o, { config: v })],
  [['-d', '--datepattern'], 'text', (o, v) => Object.assign(o, { datepattern: v })],
  [['--timezone', '--TZ'], 'text', (o, v) => Object.assign(o, { timezone: v })],
  [['-e', '--encoding'], 'text', (o, v) => Object.assign(o, { encoding: v })],
  [['-r', '--raw'], 'flag', (o) => Object.assign(o, { raw: true })],
  [['--usedns'], 'text', (o, v) => Object.assign(o, { usedns: v })],
  [['-L', '--maxlines'], 'number', (o, v) => Object.assign(o, { maxlines: Number(v) })],
  [['-m', '--journalmatch'], 'text', (o, v) => Object.assign(o, { journalmatch: v })],
  [['-l', '--log-level'], 'text', (o, v) => Object.assign(o, { logLevel: v })],
  [['-v', '--verbose'], 'flag', (o) => Object.assign(o, { verbosity: o.verbosity + 1 })],
  [['--verbosity'], 'number', (o, v) => Object.assign(o, { verbosity: Number(v) })],
  [['--verbose-date', '--VD'], 'flag', (o) => Object.assign(o, { verboseDate: true })],
  [['-D', '--debuggex'], 'flag', (o) => Object.assign(o, { debuggex: true })],
  [['--no-check-all'], 'flag', (o) => Object.assign(o, { checkAll: false })],
  [['-o', '--out'], 'text', (o, v) => Object.assign(o, { out: v === '' ? undefined : v })],
  [['--print-no-missed'], 'flag', (o) => Object.assign(o, { printNoMissed: true })],
  [['--print-no-ignored'], 'flag', (o) => Object.assign(o, { printNoIgnored: true })],
  [['--print-all-matched'], 'flag', (o) => Object.assign(o, { printAllMatched: true })],
  [['--print-all-missed'], 'flag', (o) => Object.assign(o, { printAllMissed: true })],
  [['--print-all-ignored'], 'flag', (o) => Object.assign(o, { printAllIgnored: true })],
  // Tracebacks are Python's; there are none here.
  [['-t', '--log-traceback'], 'flag', () => {}],
  [['--full-traceback'], 'flag', () => {}],
]

const endings = new Map([
  ['--version', 'version'],
  ['-V', 'short version'],
  ['-h', 'help'],
  ['--help', 'help'],
] as const)

/** Reads the command line as Python's optparse does: options anywhere, long ones as short as they are clear. */
export function readArguments(argv: readonly string[]): Arguments {
  const options = regexDefaults()
  const words: string[] = []
  const rest = [...argv]
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') {
      words.push(...rest)
      break
    }
    if (word === '-' || !word.startsWith('-')) {
      words.push(word)
      continue
    }
    const ended = word.startsWith('--') ? readLong(word, rest, options) : readShort(word, rest, options)
    if (ended !== undefined) return ended
  }
  return { kind: 'run', options, words }
}

function readLong(word: string, rest: string[], options: RegexOptions): Arguments | undefined {
  const equals = word.indexOf('=')
  const written = equals < 0 ? word : word.slice(0, equals)
  const all = [...rules.flatMap(([names]) => names), ...endings.keys()].filter((name) => name.startsWith('--'))
  const meant = all.includes(written) ? [written] : all.filter((name) => name.startsWith(written))
  const [name] = meant
  if (name === undefined) return { kind: 'wrong', text: `no such option: ${written}` }
  if (meant.length > 1) return { kind: 'wrong', text: `ambiguous option: ${written} (${meant.toSorted().join(', ')}?)` }
  const value = equals < 0 ? undefined : word.slice(equals + 1)
  return apply(name, value, rest, options)
}

/** `-v`, `-vv`, `-orow`, `-o row`. */
function readShort(word: string, rest: string[], options: RegexOptions): Arguments | undefined {
  for (let i = 1; i < word.length; i++) {
    const name = `-${word.charAt(i)}`
    const behind = word.slice(i + 1)
    const takesValue = ruleOf(name)?.[1] !== 'flag' && ruleOf(name) !== undefined
    const ended = apply(name, takesValue && behind !== '' ? behind : undefined, rest, options)
    if (ended !== undefined || takesValue) return ended
  }
  return undefined
}

function apply(name: string, given: string | undefined, rest: string[], options: RegexOptions): Arguments | undefined {
  const rule = ruleOf(name)
  const isFlag = rule === undefined || rule[1] === 'flag'
  if (isFlag && given !== undefined) return { kind: 'wrong', text: `${name} option does not take a value` }
  for (const [word, kind] of endings) if (word === name) return { kind }
  if (rule === undefined) return { kind: 'wrong', text: `no such option: ${name}` }
  const [names, kind, set] = rule
  const value = isFlag ? '' : (given ?? rest.shift())
  if (value === undefined) return { kind: 'wrong', text: `${names.join('/')} option requires 1 argument` }
  if (kind === 'number' && !/^\s*[+-]?\d+\s*$/.test(value))
    return { kind: 'wrong', text: `option ${name}: invalid integer value: '${value}'` }
  set(options, value)
  return undefined
}

const ruleOf = (name: string): Rule | undefined => rules.find(([names]) => names.includes(name))

/** What holds when nothing is said. */
export function regexDefaults(): RegexOptions {
  return {
    config: '/etc/fail2ban',
    datepattern: undefined,
    timezone: undefined,
    encoding: localeEncoding(),
    raw: false,
    usedns: undefined,
    maxlines: 0,
    journalmatch: undefined,
    logLevel: 'critical',
    verbosity: 0,
    verboseDate: false,
    debuggex: false,
    checkAll: true,
    out: undefined,
    printNoMissed: false,
    printNoIgnored: false,
    printAllMatched: false,
    printAllMissed: false,
    printAllIgnored: false,
  }
}

/** The charset that the environment names; UTF-8 where it names none (`C`, `de_DE`). */
function localeEncoding(): string {
  const { LC_ALL, LC_CTYPE, LANG } = process.env
  const charset = /\.([\w-]+)/.exec(LC_ALL || LC_CTYPE || LANG || '')?.[1]
  return charset === undefined || /^utf-?8$/i.test(charset) ? 'UTF-8' : charset
}
