import { nowhere, type Origin } from '../domain/origin.js'
import { reprText, strip } from '../lib/python-text.js'
import { openAction } from './action-file.js'
import { ConfigError, JailError } from './config-error.js'
import type { DefinitionFile } from './definition-file.js'
import { filterTemplate, openFilter, ownFilterTemplate } from './filter-file.js'
import { type MergedIni, tracedOf, type Value } from './merged-ini.js'
import { nearest } from './nearest.js'
import { type OptionList, parseOptionList, splitWithOptions } from './option-list.js'
import { isWithoutLines } from './own-jail-options.js'
import type { OwnSettings } from './own-settings.js'
import { baseOf, type ConfigFiles } from './read-order.js'
import { originAt, originOf, type Traced } from './traced.js'
import { type Options, readOptions, type Say, type Template, variablesOf } from './typed-options.js'

/** What has to be known before the filter is read. */
const firstTemplate: Template = [
  ['flag', 'enabled', false],
  ['text', 'backend', 'auto'],
  ['text', 'filter', ''],
]

/** Options of a jail in the order in which they are sent (spec 2.2); those of its filter may be overridden. */
export const jailTemplate: Template = [
  ['flag', 'enabled', false],
  ['text', 'backend', 'auto'],
  ['flag', 'skip_if_nologs'],
  ['flag', 'systemd_if_nologs'],
  ['int', 'maxretry'],
  ['int', 'maxmatches'],
  ['text', 'findtime'],
  ['text', 'bantime'],
  ['flag', 'bantime.increment'],
  ['text', 'bantime.factor'],
  ['text', 'bantime.formula'],
  ['text', 'bantime.multipliers'],
  ['text', 'bantime.maxtime'],
  ['text', 'bantime.rndtime'],
  ['flag', 'bantime.overalljails'],
  ['text', 'ignorecommand'],
  ['flag', 'ignoreself'],
  ['text', 'ignoreip'],
  ['text', 'ignorecache'],
  ['text', 'filter', ''],
  ['text', 'logtimezone'],
  ['text', 'logencoding'],
  ['text', 'logpath'],
  ['text', 'action', ''],
  ...filterTemplate,
  ...ownFilterTemplate,
]

/** An action of a jail: a definition file, or a Python script of Fail2ban's with its arguments. */
export type ActionEntry = { file: string; name: string; origin: Origin } & (
  | { kind: 'definition'; definition: DefinitionFile }
  | { kind: 'python'; args: ReadonlyMap<string, string> }
)

/** An enabled jail with its files read, before its values are checked. */
export interface JailReading {
  name: string
  origin: Origin
  options: Options
  /** `origin`: of the jail's `filter` option. */
  filter?: { name: string; origin: Origin; definition: DefinitionFile }
  actions: ActionEntry[]
}

export interface JailContext {
  files: ConfigFiles
  /** `jail.conf` and its kin. */
  ini: MergedIni
  /** What `tocsin.conf` says for all jails. */
  protect?: OwnSettings['protect']
  say: Say
  /** Told of everything that is wrong. It may throw, as Fail2ban does at the first error; else reading goes on. */
  fault(error: ConfigError): void
}

/** Undefined: the jail is not enabled, or its filter could not be read (then `fault` was told). */
export function readJail(name: string, context: JailContext): JailReading | undefined {
  const { ini, say, fault } = context
  const first = readOptions(ini, name, firstTemplate, { say, fault })
  if (first.get('enabled')?.value !== true) return undefined
  // A jail that counts bans reads no lines, so it needs no filter; one that it inherits is left alone.
  const countsBans = isWithoutLines(tracedOf(first.get('backend')?.value, nowhere).text)
  const wantsFilter = !countsBans && tracedOf(first.get('filter')?.value, nowhere).text !== ''
  const filter = wantsFilter ? readFilter(name, first, context) : undefined
  if (!wantsFilter && !countsBans) say('WARNING', 'jailreader', `No filter set for jail ${name}`)
  // Without its filter, %(known/…)s in the jail means nothing: one error is enough.
  const isNew = (error: ConfigError) => !wantsFilter || filter || !/%\(known\//i.test(error.message)
  const options = readOptions(ini, name, jailTemplate, { say, fault: (error) => isNew(error) && fault(error) })
  attempt(context, () => filter?.definition.evaluate(variablesOf(options)))
  const actions = readActions(name, options, context)
  const origin = ini.headers.get(name) ?? nowhere
  return { name, origin, options, actions, ...(filter && { filter }) }
}

/** Undefined: the jail has none, or `fault` was told. */
function readFilter(jail: string, first: Options, context: JailContext): JailReading['filter'] {
  const written = first.get('filter')?.written
  if (written === undefined || written.text === '') return undefined
  const origin = originOf(written)
  const list = parseOptionList(written.text)
  if ('wrong' in list) {
    context.fault(syntaxError('filter', written.text, list.wrong, origin))
    return undefined
  }
  return attempt(context, () => {
    const ini = readOrComplain(context, 'filter', list.name, origin)
    if (ini === undefined) return undefined
    const backend = tracedOf(first.get('backend')?.value, origin).text
    const definition = openFilter({ ini, args: list.options, backend, say: context.say, origin })
    definition.evaluate(variablesOf(first), true)
    context.ini.mergeInto(jail, knownOptions(definition.combined(), origin))
    return { name: list.name, origin, definition }
  })
}

/** The filter's values, as `%(known/…)s` finds them in the jail. */
function knownOptions(values: ReadonlyMap<string, Value>, origin: Origin): Map<string, Traced> {
  const known = new Map<string, Traced>()
  for (const [name, value] of values) {
    if (!name.startsWith('known/') && value !== undefined) known.set(`known/${name}`, tracedOf(value, origin))
  }
  return known
}

function readActions(jail: string, options: Options, context: JailContext): ActionEntry[] {
  const written = options.get('action')?.written
  const entries: ActionEntry[] = []
  for (const item of written ? splitWithOptions(written.text) : []) {
    const text = strip(item.text)
    const use: ActionUse = {
      text,
      origin: written ? originAt(written, item.at) : nowhere,
      jailOptions: variablesOf(options),
    }
    const list = parseOptionList(text)
    if ('wrong' in list) {
      context.fault(syntaxError('action', text, list.wrong, use.origin))
      // What follows an open bracket are its pieces; to complain of each would hide the cause.
      break
    }
    const entry = attempt(context, () => readAction(jail, list, use, context))
    if (entry) entries.push(entry)
  }
  if (entries.length === 0) context.say('WARNING', 'jailreader', `No actions were defined for ${jail}`)
  return entries
}

/** One action as a jail names it. */
interface ActionUse {
  text: string
  origin: Origin
  jailOptions: ReadonlyMap<string, Value>
}

function readAction(jail: string, list: OptionList, use: ActionUse, context: JailContext): ActionEntry | undefined {
  const { name: file, options: args } = list
  const { origin, jailOptions } = use
  if (file.endsWith('.py')) {
    const { actname = file.replace(/\.py$/, ''), ...rest } = Object.fromEntries(args)
    return { kind: 'python', file, name: actname, origin, args: new Map(Object.entries(rest)) }
  }
  const ini = readOrComplain(
    context,
    'action',
    file,
    placeOfWord(context.ini, jail, { option: 'action', word: file }) ?? origin,
  )
  if (ini === undefined) return undefined
  try {
    return { kind: 'definition', ...openAction({ ini, file, jail, args, jailOptions, say: context.say, origin }) }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw inAction(use.text, error)
  }
}

/** Where the jail's option, or one that it refers to, is just this word: for `banaction = nftables` the line that says so. */
function placeOfWord(
  ini: MergedIni,
  section: string,
  { option, word }: { option: string; word: string },
  depth = 0,
): Origin | undefined {
  const value = depth > 10 ? undefined : ini.raw(section, option)
  if (value === undefined) return undefined
  if (strip(value.text) === word) return originOf(value)
  for (const [, name = ''] of value.text.matchAll(/%\(([^)/]+)\)s/g)) {
    const place = placeOfWord(ini, section, { option: name, word }, depth + 1)
    if (place !== undefined) return place
  }
  return undefined
}

function readOrComplain(context: JailContext, kind: 'filter' | 'action', name: string, origin: Origin) {
  const folder = kind === 'filter' ? 'filter.d' : 'action.d'
  const reading = context.files.read(baseOf(folder, name), context.say)
  if (reading.kind === 'read') return reading.ini
  const peerText = `Unable to read ${kind === 'filter' ? 'the filter' : 'action'} ${reprText(name)}`
  const meant = reading.kind === 'missing' ? nearest(name, context.files.names(folder)) : undefined
  const [unread] = reading.kind === 'unreadable' ? reading.errors : []
  const error = unread
    ? new JailError(`${kind} "${name}" cannot be read: ${unread.message}`, { ...details(unread), peerText })
    : new JailError(`${kind} "${name}": there is no ${context.files.dir}/${folder}/${name}.conf`, {
        origin,
        hint:
          meant === undefined
            ? `see ${context.files.dir}/${folder} for the names there are`
            : `did you mean "${meant}"?`,
        peerText,
      })
  context.fault(error)
  return undefined
}

function details({ origin, hint }: ConfigError): { origin?: Origin; hint?: string } {
  return { ...(origin && { origin }), ...(hint !== undefined && { hint }) }
}

function syntaxError(kind: 'filter' | 'action', text: string, wrong: string, origin: Origin): JailError {
  return new JailError(`${kind} ${JSON.stringify(text)}: ${wrong}`, {
    origin,
    hint: 'arguments are written name[option="value", other=value]',
    peerText: `Invalid ${kind} definition ${reprText(text)}: ${wrong}`,
  })
}

function inAction(text: string, error: ConfigError): ConfigError {
  return new ConfigError(error.message, {
    ...details(error),
    peerText: `Error in action definition ${reprText(text)}: ${error.peerText}`,
    cause: error,
  })
}

/** Tells `fault` of what `task` throws; it is up to `fault` to throw it again. */
function attempt<T>(context: JailContext, task: () => T): T | undefined {
  try {
    return task()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    context.fault(error)
    return undefined
  }
}
