import type { Origin } from '../domain/origin.js'
import { DefinitionFile } from './definition-file.js'
import type { MergedIni, Value } from './merged-ini.js'
import { traced } from './traced.js'
import type { Say, Template } from './typed-options.js'

/** Commands and switches of an action, in the order in which they are sent (spec 2.4). */
const actionTemplate: Template = [
  ['text', 'actionstart'],
  ['flag', 'actionstart_on_demand'],
  ['text', 'actionstop'],
  ['text', 'actionflush'],
  ['text', 'actionreload'],
  ['text', 'actioncheck'],
  ['text', 'actionrepair'],
  ['flag', 'actionrepair_on_unban'],
  ['text', 'actionban'],
  ['text', 'actionprolong'],
  ['text', 'actionreban'],
  ['text', 'actionunban'],
  ['flag', 'norestored'],
]

/** Tags that only the running ban knows; they are left for it. */
const keptTags = ['matches', 'ipmatches', 'ipjailmatches', 'timeout', 'bantime']

/** Throws ConfigError from interpolation; tags are resolved later, by `propertiesOf`. */
export function openAction(parts: {
  ini: MergedIni
  file: string
  jail: string
  args: ReadonlyMap<string, string>
  jailOptions: ReadonlyMap<string, Value>
  say: Say
  origin: Origin
}): { file: string; name: string; origin: Origin; definition: DefinitionFile } {
  const { ini, file, jail, say, origin } = parts
  const args = new Map<string, Value>([...parts.args].map(([name, value]) => [name, traced(value, origin)]))
  const jailName = parts.args.get('name') ?? jail
  const name = parts.args.get('actname') ?? file + nameSuffix(jailName, jail)
  if (!args.has('name')) args.set('name', traced(jailName, origin))
  if (!args.has('actname')) args.set('actname', traced(name, origin))
  const definition = new DefinitionFile({ ini, template: actionTemplate, args, say, origin })
  definition.evaluate(parts.jailOptions)
  return { file, name, origin, definition }
}

/** Known options with every tag resolved, then arguments and `[Init]` as written. Throws ConfigError for tags in a circle. */
export function propertiesOf(definition: DefinitionFile): (readonly [string, Value])[] {
  const known = new Set(actionTemplate.map(([, name]) => name))
  const resolved = [...definition.combined(keptTags)].filter(([name]) => known.has(name))
  const others = [...definition.init].filter(([name]) => !known.has(name) && !name.startsWith('known/'))
  return [...resolved, ...others]
}

/** Two uses of one action in a jail need two names. */
function nameSuffix(name: string, jail: string): string {
  if (name === jail) return ''
  return name.startsWith(jail) ? name.slice(jail.length) : `-${name}`
}
