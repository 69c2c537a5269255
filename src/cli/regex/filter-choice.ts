import { existsSync, statSync } from 'node:fs'
import path from 'node:path'
import { ConfigError } from '../../config/config-error.js'
import { openFilter } from '../../config/filter-file.js'
import { jailConfig } from '../../config/jail-config.js'
import { readJail } from '../../config/jail-file.js'
import { addStaticDefaults, fail2banVersionDefault, jailNames } from '../../config/jail-sections.js'
import { type MergedIni, tracedOf, type Value } from '../../config/merged-ini.js'
import { type OptionList, parseOptionList } from '../../config/option-list.js'
import { baseOf, ConfigFiles, type Reading } from '../../config/read-order.js'
import { silently } from '../../config/settings.js'
import { linesOf, traced } from '../../config/traced.js'
import type { Origin, Problem } from '../../domain/origin.js'
import { repr } from '../../lib/python-repr.js'
import type { FilterSpec } from '../../match/filter-spec.js'

/** The filter that a word of the command line stands for, and what Fail2ban's tool says of it. */
export interface FilterChoice {
  spec: FilterSpec
  /** `Use … file : sshd, basedir: …` and so on. */
  sayings: string[]
  /** All options after interpolation, for `-vv`. */
  real: Map<string, string>
  /** As written, for the tool's `Use datepattern` line; undefined: the filter has none. */
  datepattern: string | undefined
  maxlines: number | undefined
  journalmatch: string[]
}

export type Chosen = FilterChoice | { failed: string[] }

const here: Origin = { file: 'command line', line: 0 }

/**
 * Finds out what `<REGEX>` is (spec section 11.1): the name of a jail, of a filter, a filter file, or a regular expression; the first three with options
 * in brackets.
 */
export function chooseFilter(word: string, options: { dir: string; backend: string }): Chosen {
  if (!/^\/{0,3}[\p{L}\p{N}_/\-.]+(?:\[.*\])?$/msu.test(word)) return literal(word)
  const list = parseOptionList(word)
  if ('wrong' in list)
    return { failed: [`ERROR: Wrong filter name or options: ${list.wrong}`, `       while parsing: ${word}`] }
  try {
    return fromJail(list, options) ?? fromFile(list, word, options) ?? literal(word)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return {
      failed: [
        placed({ severity: 'error', message: error.message, ...(error.origin && { origin: error.origin }) }),
        `ERROR: failed to load filter ${word}`,
      ],
    }
  }
}

function literal(text: string): FilterChoice {
  return {
    spec: { ...emptySpec, failregex: [{ value: text, origin: here }] },
    sayings: [`Use   failregex line : ${shortened(text)}`],
    real: new Map(),
    datepattern: undefined,
    maxlines: undefined,
    journalmatch: [],
  }
}

const emptySpec: FilterSpec = {
  name: '',
  failregex: [],
  ignoreregex: [],
  datepattern: [],
  maxlines: 1,
  usedns: 'warn',
}

/** At most 53 characters. */
export function shortened(text: string): string {
  const characters = [...text]
  return characters.length > 53 ? `${characters.slice(0, 50).join('')}...` : text
}

/** A jail whose name it is, enabled or not; what is wrong with its actions does not matter. */
function fromJail(list: OptionList, { dir }: { dir: string }): Chosen | undefined {
  if (/\/|\.(?:conf|local)$/.test(list.name) || path.basename(dir) === 'filter.d') return undefined
  const files = new ConfigFiles(dir)
  const reading = files.exists ? readQuietly(() => files.read('jail', silently)) : undefined
  if (reading?.kind !== 'read' || !jailNames(reading.ini).includes(list.name)) return undefined
  const { ini } = reading
  addStaticDefaults(ini, files.dir, fail2banVersionDefault)
  const section = ini.sections.get(list.name)
  section?.set('enabled', traced('true', here))
  section?.set('action', traced('', here))
  if (list.options.size > 0) section?.set('filter', traced(withOptions(ini, list), here))
  return readChosenJail(list, files, ini)
}

function readChosenJail(list: OptionList, files: ConfigFiles, ini: MergedIni): Chosen {
  const problems: Problem[] = []
  const fault = (error: ConfigError) => {
    problems.push({ severity: 'error', message: error.message, ...(error.origin && { origin: error.origin }) })
  }
  const context = { files, ini, say: silently, fault }
  const jail = readJail(list.name, context)
  const config = jail && jailConfig(jail, context, problems)
  const wrong = problems.filter(({ severity }) => severity === 'error')
  if (jail === undefined || config === undefined || wrong.length > 0) {
    return { failed: [...wrong.map(placed), `ERROR: Failed to get jail for '${list.name}'`] }
  }
  const { filter } = config
  const combined = jail.filter?.definition.combined() ?? new Map<string, Value>()
  const options = new Map([...combined, ...[...jail.options].map(([name, { value }]) => [name, value] as const)])
  return {
    ...choiceOf(filter, options, list),
    sayings: [`Use             jail : ${list.name}`, ...optionsLine('Use jail/flt options', list)],
  }
}

/** The jail's `filter` with the options that were given in place of its own. */
function withOptions(ini: MergedIni, { name, options }: OptionList): string {
  const own = parseOptionList(ini.get(name, 'filter')?.text ?? name)
  if ('wrong' in own) return name
  const all = [...new Map([...own.options, ...options])]
  const quoted = (value: string) => (value.includes('"') ? `'${value}'` : `"${value}"`)
  const text = all.map(([option, value]) => `${option}=${quoted(value)}`).join(', ')
  return `${own.name}${text === '' ? '' : `[${text}]`}`.replaceAll('%', '%%')
}

/** A filter by its name, or a file. Undefined: there is no such file. */
function fromFile(list: OptionList, word: string, options: { dir: string; backend: string }): Chosen | undefined {
  const { name } = list
  const hasExtension = name.slice(-6).includes('.')
  const names = hasExtension ? [name] : [name, `${name}.conf`, `${name}.local`]
  const inFilters = path.basename(options.dir) === 'filter.d' ? options.dir : path.join(options.dir, 'filter.d')
  const file = names.map((each) => (each.includes('/') ? each : path.join(inFilters, each))).find(isFile)
  if (file === undefined) return undefined
  const folder = name.includes('/') ? path.dirname(file) : options.dir
  const isOwn = folder === options.dir || path.basename(folder) === 'filter.d' || !(hasExtension || name.includes('/'))
  if (!isOwn) {
    const reading = new ConfigFiles(options.dir).readExplicit(path.resolve(file))
    return filterOf(reading, list, word, options.backend, `Use      filter file : ${name}`)
  }
  const dir = path.basename(folder) === 'filter.d' ? path.dirname(folder) : folder
  const stem = path.parse(path.basename(name)).name
  const reading = new ConfigFiles(dir).read(baseOf('filter.d', stem), silently)
  return filterOf(reading, list, word, options.backend, `Use      filter file : ${stem}, basedir: ${dir}`)
}

function filterOf(reading: Reading, list: OptionList, word: string, backend: string, saying: string): Chosen {
  const sayings = [saying, ...optionsLine('Use   filter options', list)]
  if (reading.kind !== 'read') return { failed: [...sayings, `ERROR: failed to load filter ${word}`] }
  const { ini } = reading
  addStaticDefaults(ini, '', fail2banVersionDefault)
  const definition = openFilter({ ini, args: list.options, backend, say: silently, origin: here })
  definition.evaluate(new Map(), true)
  const values = definition.combined()
  const lines = (name: string) => linesOf(tracedOf(values.get(name), here))
  const prefregex = lines('prefregex')[0]
  const maxlines = values.get('maxlines')
  const spec: FilterSpec = {
    ...emptySpec,
    name: list.name,
    failregex: lines('failregex'),
    ignoreregex: lines('ignoreregex'),
    datepattern: lines('datepattern'),
    maxlines: typeof maxlines === 'number' ? maxlines : 1,
    ...(prefregex && { prefregex }),
  }
  return { ...choiceOf(spec, values, list), sayings }
}

function choiceOf(spec: FilterSpec, values: ReadonlyMap<string, Value>, list: OptionList): FilterChoice {
  const text = (name: string) => {
    const value = values.get(name)
    return value === undefined ? undefined : tracedOf(value, here).text
  }
  const real = new Map<string, string>()
  for (const name of ['logtype', 'datepattern', ...list.options.keys()]) {
    const value = text(name)
    if (value !== undefined) real.set(name, value)
  }
  const journalmatch = linesOf(tracedOf(values.get('journalmatch'), here)).map(({ value }) => value)
  const hasMaxlines = values.get('maxlines') !== undefined
  return {
    spec,
    sayings: [],
    real,
    datepattern: text('datepattern'),
    maxlines: hasMaxlines ? spec.maxlines : undefined,
    journalmatch,
  }
}

function optionsLine(label: string, { options }: OptionList): string[] {
  return options.size === 0 ? [] : [`${label} : ${repr(Object.fromEntries(options))}`]
}

/** A configuration that cannot be read has no jail of that name. */
function readQuietly(read: () => Reading): Reading | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return undefined
  }
}

function placed({ message, origin }: Problem): string {
  return `ERROR: ${origin === undefined || origin.file === '' ? '' : `${origin.file}:${origin.line}: `}${message}`
}

const isFile = (file: string): boolean => existsSync(file) && statSync(file).isFile()
