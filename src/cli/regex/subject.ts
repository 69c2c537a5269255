import { shellWords } from '../../config/shell-words.js'
import type { Sourced } from '../../domain/origin.js'
import { repr } from '../../lib/python-repr.js'
import { strip } from '../../lib/python-text.js'
import { PatternError } from '../../match/dialect/syntax.js'
import { type CompiledFilter, compileFilter } from '../../match/filter.js'
import type { FilterSpec, UseDns } from '../../match/filter-spec.js'
import { templatesOf } from '../../match/timestamp/datepattern.js'
import type { RegexOptions } from './arguments.js'
import { chooseFilter, type FilterChoice, shortened } from './filter-choice.js'

/** What the lines are tested against. */
export interface Subject {
  filter: CompiledFilter
  /** As written, by index. */
  failregex: readonly string[]
  ignoreregex: readonly string[]
  successregex: readonly string[]
  hasDatepattern: boolean
  /** Which entries of the journal: the words of each line. */
  journalmatch: readonly (readonly string[])[]
}

/** `sayings` are what the tool prints of it, up to the error if there is one. */
export type Made = { sayings: string[] } & ({ subject: Subject } | { failed: string[] })

/** Puts the filter of the command line together with the options beside it. */
export function makeSubject(words: readonly string[], options: RegexOptions, nowMs: number): Made {
  const [log = '', regex = '', ignore] = words
  const sayings: string[] = []
  const given = givenOptions(options, sayings, nowMs)
  if (given !== undefined) return { sayings, failed: [`ERROR: ${given}`] }
  const choice = chooseFilter(regex, {
    dir: options.config.replace(/(?!^)\/+$/, ''),
    backend: log.startsWith('systemd-journal') ? 'systemd' : 'auto',
  })
  if ('failed' in choice) return { sayings, failed: choice.failed }
  sayings.push(...choice.sayings, ...ofFilter(choice, options, nowMs))
  if (ignore !== undefined) sayings.push(`Use ignoreregex line : ${shortened(ignore)}`)
  const spec = withOptions(choice.spec, ignore, options)
  const compiled = compileFilter(spec, { nowMs })
  if ('problems' in compiled) {
    const message = compiled.problems[0]?.message ?? ''
    const isIgnore = message.startsWith('ignoreregex: ')
    return { sayings: isIgnore ? sayings : withoutIgnore(sayings), failed: [`ERROR: ${inTwoLines(bare(message))}`] }
  }
  // NOTE: `--raw` takes names as they are, but the tag <HOST> means what `--usedns` says.
  const filter: CompiledFilter = options.raw ? { ...compiled.filter, usedns: 'raw' } : compiled.filter
  const subject: Subject = {
    filter,
    failregex: spec.failregex.map(({ value }) => value),
    ignoreregex: spec.ignoreregex.map(({ value }) => value),
    successregex: (spec.successregex ?? []).map(({ value }) => value),
    hasDatepattern: spec.datepattern.length > 0,
    journalmatch: (options.journalmatch === undefined ? choice.journalmatch : [options.journalmatch])
      .map((line) => shellWords(line) ?? [])
      .filter((words) => words.length > 0),
  }
  return { sayings, subject }
}

const bare = (message: string): string => message.replace(/^\w+: /, '')

/** Fail2ban's tool tells the reason in a line of its own. */
const inTwoLines = (message: string): string =>
  message.replace(/^(Unable to compile regular expression '.*'): /s, (_, whole: string) => `${whole}:\n`)

const withoutIgnore = (sayings: readonly string[]): string[] =>
  sayings.filter((saying) => !saying.startsWith('Use ignoreregex line'))

/** What the options beside the filter say of themselves, in Fail2ban's order; an error text when one is wrong. */
function givenOptions(options: RegexOptions, sayings: string[], nowMs: number): string | undefined {
  if (options.maxlines !== 0) {
    if (options.maxlines < 0) return 'maxlines must be integer greater than zero'
    sayings.push(`Use         maxlines : ${options.maxlines}`)
  }
  if (options.journalmatch !== undefined && shellWords(options.journalmatch) === undefined)
    return 'No closing quotation'
  if (options.timezone !== undefined) {
    const compiled = compileFilter({ ...nothing, logtimezone: options.timezone }, { nowMs })
    if ('problems' in compiled) return bare(compiled.problems[0]?.message ?? '')
  }
  if (options.datepattern === undefined) return undefined
  const saying = datepatternSaying(options.datepattern, nowMs)
  if ('wrong' in saying) return saying.wrong
  sayings.push(saying.text)
  return undefined
}

const nothing: FilterSpec = { name: '', failregex: [], ignoreregex: [], datepattern: [], maxlines: 1, usedns: 'warn' }

function ofFilter(choice: FilterChoice, options: RegexOptions, nowMs: number): string[] {
  const { maxlines, datepattern, real } = choice
  const sayings: string[] = []
  if (options.verbosity > 1 && !choice.sayings[0]?.includes(' line : '))
    sayings.push(`Real  filter options : ${repr(Object.fromEntries(real))}`)
  if (maxlines !== undefined && options.maxlines === 0) sayings.push(`Use         maxlines : ${maxlines}`)
  if (datepattern !== undefined && options.datepattern === undefined) {
    const saying = datepatternSaying(datepattern, nowMs)
    if ('text' in saying) sayings.push(saying.text)
  }
  return sayings
}

/** A pattern that stands for more than two templates is called the default ones. */
function datepatternSaying(written: string, nowMs: number): { text: string } | { wrong: string } {
  const templates: string[] = []
  let only: string | undefined
  try {
    for (const line of datepatternLines(written)) {
      for (const template of templatesOf(line, new Set(templates), new Date(nowMs).getFullYear())) {
        templates.push(template.name)
        only ??= template.name
      }
    }
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    return { wrong: error.message }
  }
  const name = only === undefined || templates.length > 2 ? 'Default Detectors' : only
  return { text: `Use      datepattern : ${written} : ${name}` }
}

const datepatternLines = (written: string): string[] =>
  written
    .split('\n')
    .map(strip)
    .filter((line) => line !== '')

function withOptions(spec: FilterSpec, ignore: string | undefined, options: RegexOptions): FilterSpec {
  const { datepattern, timezone, usedns, maxlines } = options
  const sourced = (value: string): Sourced => ({ value, origin: { file: 'command line', line: 0 } })
  return {
    ...spec,
    ...(ignore !== undefined && { ignoreregex: [sourced(ignore)] }),
    ...(datepattern !== undefined && { datepattern: datepatternLines(datepattern).map(sourced) }),
    ...(timezone !== undefined && { logtimezone: timezone }),
    ...(usedns !== undefined && { usedns: useDns(usedns) }),
    ...(maxlines !== 0 && { maxlines }),
  }
}

function useDns(written: string): UseDns {
  const word = written.toLowerCase()
  if (word === 'yes' || word === 'true' || word === '1') return 'yes'
  return word === 'warn' || word === 'raw' ? word : 'no'
}
