import { performance } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { fail2banLevel } from '../../lib/version.js'
import { type RegexOptions, readArguments } from './arguments.js'
import { Examiner } from './examiner.js'
import { failurePrinter } from './failure-text.js'
import { help, usage } from './help.js'
import { LineRun, type Stall, type Visit } from './line-run.js'
import { type Log, openLog } from './log-choice.js'
import { NameLookup } from './name-lookup.js'
import { Printer, type Streams } from './printer.js'
import { CannotRead, readWhole } from './read-whole.js'
import { stallText } from './stall-text.js'
import { Statistics } from './statistics.js'
import { statisticsText } from './statistics-text.js'
import { makeSubject, type Subject } from './subject.js'

/** What a failure of `fail2ban-regex` ends with; words that it does not know: 2, as Python does. */
const failed = 255
const usageFailed = 2

const logLevels = ['critical', 'fatal', 'error', 'warn', 'warning', 'notice', 'info', 'debug', 'notset']
const ownLevels = ['msg', 'traceback', 'heavydebug', 'lowdebug']

/** `fail2ban-regex` (spec section 11); resolves to its exit code. */
export async function fail2banRegex(argv: readonly string[], streams: Streams): Promise<number> {
  const given = readArguments(argv)
  const out = new Printer(streams.stdout)
  const code = await run()
  out.flush()
  return code

  async function run(): Promise<number> {
    if (given.kind === 'wrong') {
      streams.stderr.write(`${usage}\n\nfail2ban-regex: error: ${given.text}\n`)
      return usageFailed
    }
    if (given.kind !== 'run') {
      const texts = { help: help, version: `fail2ban-regex ${fail2banLevel}`, 'short version': fail2banLevel }
      out.line(texts[given.kind].trimEnd())
      return 0
    }
    const { options, words } = given
    const wrong = contradictions(options, words)
    if (wrong.length > 0) {
      out.line(help)
      out.flush()
      streams.stderr.write(`\n${wrong.join('\n')}\n`)
      return failed
    }
    return test(words, options, out, streams)
  }
}

function contradictions(options: RegexOptions, words: readonly string[]): string[] {
  const wrong: string[] = []
  if (options.printNoMissed && options.printAllMissed)
    wrong.push('ERROR: --print-no-missed and --print-all-missed are mutually exclusive.')
  if (options.printNoIgnored && options.printAllIgnored)
    wrong.push('ERROR: --print-no-ignored and --print-all-ignored are mutually exclusive.')
  if (words.length < 2 || words.length > 3) wrong.push('ERROR: provide both <LOG> and <REGEX>.')
  return wrong
}

async function test(words: readonly string[], options: RegexOptions, out: Printer, streams: Streams): Promise<number> {
  const isQuiet = options.out !== undefined
  const say = (lines: readonly string[]) => {
    if (!isQuiet) for (const line of lines) out.line(line)
  }
  const fail = (lines: readonly string[]) => {
    for (const line of lines) out.line(line)
    return failed
  }
  say(['', 'Running tests', '=============', ''])
  const level = options.logLevel.toLowerCase()
  if (!/^\d+$/.test(level) && !logLevels.includes(level) && !ownLevels.includes(level))
    return fail([`ERROR: Invalid log level '${options.logLevel}'`])
  const nowMs = Date.now()
  // Optimizing what runs for 50 ms costs V8 more than it gains: a third of the CPU time of the start. Until the lines are read.
  setFlagsFromString('--no-opt')
  const made = makeSubject(words, options, nowMs)
  say(made.sayings)
  if ('failed' in made) return fail(made.failed)
  const opened = openLog(words[0] ?? '', made.subject, { encoding: options.encoding, skipsOpenEnd: true })
  if ('failed' in opened) return fail([opened.failed])
  say([...opened.sayings, ''])
  const lookup = new NameLookup()
  const tell = (remark: string) => streams.stderr.write(`fail2ban-regex: ${remark}\n`)
  try {
    await examine(opened.log, made.subject, { options, lookup, nowMs, out, tell })
    return 0
  } catch (error) {
    if (!(error instanceof CannotRead)) throw error
    return fail([`ERROR: ${error.message}`])
  } finally {
    await lookup.close()
  }
}

interface Run {
  options: RegexOptions
  lookup: NameLookup
  nowMs: number
  out: Printer
  /** Says something beside the output. */
  tell: (remark: string) => void
}

async function examine(log: Log, subject: Subject, { options, lookup, nowMs, out, tell }: Run): Promise<void> {
  const token = options.out
  const { filter } = subject
  const examiner = new Examiner(filter, {
    triesAll: options.checkAll && token === undefined,
    tellsPending: true,
    keepsFields: token !== undefined && token !== 'id' && token !== 'fid',
    keepsPrefix: token !== undefined || options.verbosity > 0,
    isCounting: token === undefined && options.verbosity === 0,
    resolve: (name) => lookup.addresses(name),
    nowMs,
  })
  const run = (visit: Visit) => {
    const onStall = (stall: Stall) => tell(stallText(stall, filter))
    setFlagsFromString('--opt')
    return readWhole(log, new LineRun(examiner, { lookup, visit, onStall }))
  }
  if (token !== undefined) {
    const print = failurePrinter(token, { nowMs, reverseName: (ip) => lookup.reverse(ip) })
    const remarks = await run(() => {
      const lines = examiner.found.length > 0 ? print(examiner.found) : []
      if (lines.length > 0) out.line(lines.join('\n'))
    })
    remarks.forEach(tell)
    return
  }
  const statistics = new Statistics(filter, examiner, options)
  const startMs = performance.now()
  const remarks = await run((chunk, start, end) => statistics.count(chunk, start, end))
  const elapsedMs = performance.now() - startMs
  // The journal has times of its own; Fail2ban's tool lists what the filter would look for all the same.
  const readsDates = log.kind === 'text' || subject.hasDatepattern
  for (const line of statisticsText(statistics, subject, { ...options, elapsedMs, readsDates })) out.line(line)
  remarks.forEach(tell)
}
