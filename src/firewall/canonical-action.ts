import type { ActionSpec } from '../domain/action-spec.js'
import { tagPattern } from '../lib/tag.js'

/** What an action may be given without becoming another action: whom it closes what, in which place, under which name. */
export const parameters: ReadonlySet<string> = new Set([
  'name',
  'actname',
  'port',
  'protocol',
  'chain',
  'blocktype',
  'rejecttype',
  'rich-blocktype',
  'lockingopt',
  'table',
  'chain_hook',
  'chain_priority',
  'addr_set',
  'ipmset',
  'default-ipsettime',
  'ipsettime',
  'maxelem',
  'zone',
  'service',
  'level',
  'rate',
])

/** Switches that mean nothing to bans in the kernel: when the first ban creates the rules, how long a command may take. */
const meaningless = new Set(['actionstart_on_demand', 'timeout'])

const command = /^(?:action\w+|norestored)$/

/** Between the parts of a canonical text; no command has it. */
const partEnd = '\x1e'

/**
 * One text for everything an action does: its commands, and the properties that these name by `<tag>` for Fail2ban's server to fill in,
 * by name. Two actions with the same text, but for the values of `parameters`, do the same.
 */
export function canonicalText(properties: ActionSpec['properties']): string {
  const values = new Map(properties.filter(([name]) => !isParameter(name)))
  const named = new Set<string>()
  const open = [...values.keys()].filter((name) => command.test(name) && !meaningless.has(name))
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (named.has(name)) continue
    named.add(name)
    for (const [, used = ''] of (values.get(name) ?? '').matchAll(tagPattern))
      open.push(...[...values.keys()].filter((other) => baseOf(other) === used))
  }
  return [...named]
    .filter((name) => values.get(name) !== '' && values.get(name) !== 'False')
    .sort()
    .map((name) => `${name}=${values.get(name)}${partEnd}`)
    .join('')
}

/** The values of the parameters, with what they say by `<tag>` of one another filled in; `known` are those of the definition itself. */
export function parameterValues(
  properties: ActionSpec['properties'],
  known: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> {
  const given = new Map(properties)
  const isConditional = (name: string) => properties.some(([other]) => other !== name && baseOf(other) === name)
  const filled = (value: string, depth: number): string =>
    value.replace(tagPattern, (whole, name: string) => {
      const other = name.startsWith('known/') ? known[name.slice('known/'.length)] : given.get(name)
      return other === undefined || isConditional(name) || depth >= depthMax ? whole : filled(other, depth + 1)
    })
  return new Map(properties.filter(([name]) => isParameter(name)).map(([name, value]) => [name, filled(value, 0)]))
}

/** Values that lead to one another deeper than this are left as they are, and the action counts as somebody's own. */
const depthMax = 5

function isParameter(name: string): boolean {
  return parameters.has(baseOf(name))
}

/** `blocktype` of `blocktype?family=inet6`. */
function baseOf(name: string): string {
  return name.split('?', 1)[0] ?? name
}
