import { reprText } from '../lib/python-text.js'
import { ConfigError } from './config-error.js'
import { valueLengthMax } from './interpolate.js'
import { originAt, replaceEach, type Traced } from './traced.js'

/** How often one tag may be replaced in one value before Fail2ban takes it for a circle (spec 1.6). */
const replacementsMax = 25

/**
 * Replaces `<tag>` in every value by the value of that name, innermost first, until nothing is left to replace. Tags
 * that neither `values` nor `lookUp` know stay as they are (`<HOST>`, `<ip>`, a shell's `<file`). Throws ConfigError
 * for a circle.
 */
export function substituteTags(
  values: ReadonlyMap<string, Traced>,
  options: { keep: ReadonlySet<string>; lookUp(name: string): Traced | undefined },
): Map<string, Traced> {
  const result = new Map(values)
  const counts = new Map<string, Map<string, number>>()
  const open = new Set([...values.keys()].filter((name) => !options.keep.has(name)))
  const find = (name: string) => (options.keep.has(name) ? undefined : (result.get(name) ?? options.lookUp(name)))
  for (let again = true; again; ) {
    again = false
    for (const name of open) {
      const before = result.get(name)
      if (before === undefined) continue
      const count = counts.get(name) ?? new Map<string, number>()
      const after = replaceIn(name, before, count, find)
      result.set(name, after)
      if (!after.text.includes('<')) open.delete(name)
      else if (after.text !== before.text && tagAt(after.text, 0)) {
        counts.set(name, count)
        again = true
      }
    }
  }
  return result
}

function replaceIn(
  name: string,
  value: Traced,
  count: Map<string, number>,
  find: (tag: string) => Traced | undefined,
): Traced {
  let result = value
  for (let tag = tagAt(result.text, 0); tag; ) {
    if (tag.name === name || (count.get(tag.name) ?? 1) > replacementsMax) throw circle(name, tag, count, result)
    const replacement = find(tag.name)
    if (replacement === undefined) {
      tag = tagAt(result.text, tag.end)
      continue
    }
    result = replaceEach(result, `<${tag.name}>`, replacement)
    if (result.text.length > valueLengthMax) throw circle(name, tag, count, result)
    count.set(tag.name, (count.get(tag.name) ?? 0) + 1)
    tag = tagAt(result.text, tag.start)
  }
  return result
}

interface Tag {
  name: string
  start: number
  end: number
}

/** The next `<…>` without blanks or angles inside. */
function tagAt(text: string, from: number): Tag | undefined {
  const pattern = /<([^ <>]+)>/g
  pattern.lastIndex = from
  const match = pattern.exec(text)
  return match === null ? undefined : { name: match[1] ?? '', start: match.index, end: match.index + match[0].length }
}

function circle(name: string, tag: Tag, count: ReadonlyMap<string, number>, value: Traced): ConfigError {
  const counts = [...count].map(([key, times]) => `${reprText(key)}: ${times}`).join(', ')
  return new ConfigError(`<${tag.name}> in "${name}" cannot be resolved: it leads back to itself`, {
    origin: originAt(value, tag.start),
    hint: `look for the definition of "${tag.name}"`,
    peerText:
      'properties contain self referencing definitions and cannot be resolved, ' +
      `fail tag: ${name}, found: ${tag.name} in {${counts}}, value: ${value.text}`,
  })
}
