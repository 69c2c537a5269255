import { type EndlessTag, replacementsMax, resolveTags, tagTextLengthMax } from '../lib/nested-tags.js'
import { tagPattern } from '../lib/tag.js'

/** Tags whose values are text of an attacker: they are never looked into for further tags. */
export const hostileTags: ReadonlySet<string> = new Set(['matches', 'ipmatches', 'ipjailmatches'])

/** Properties that lead back to themselves; Fail2ban's ValueError. */
class TagCircle extends Error {}

/**
 * Replaces `<tag>` in every property by the property of that name until nothing is left to replace (spec 6.3). `condition` is `family=inet4`
 * or empty: `x?family=inet4` then goes before `x`. Unknown tags stay. Throws TagCircle.
 */
export function substituteProperties(given: ReadonlyMap<string, string>, condition: string): Map<string, string> {
  return resolveTags(given, {
    textOf: (value) => value,
    replaceEach: (value, needle, replacement) => value.replaceAll(needle, () => replacement),
    find: (tag, values) => conditional(values, tag, condition),
    keep: hostileTags,
    error: circle,
  })
}

/** The value of a property under a condition. */
export function conditional(values: ReadonlyMap<string, string>, tag: string, condition: string): string | undefined {
  const special = condition === '' ? undefined : values.get(`${tag}?${condition}`)
  return special ?? values.get(tag)
}

/** Replaces tags in a text again and again until none changes it any more. Throws TagCircle. */
export function fillRepeatedly(text: string, replacement: (tag: string) => string | undefined): string {
  let query = text
  for (let round = 0; round <= replacementsMax; round++) {
    const value = filled(query, replacement)
    if (value === query || value?.includes('<') === false) return value
    if (value === undefined) break
    query = value
  }
  throw new TagCircle(
    `unexpected too long replacement interpolation, possible self referencing definitions in query: ${query.slice(0, 500)}`,
  )
}

/** Undefined: it would be too long. */
function filled(text: string, replacement: (tag: string) => string | undefined): string | undefined {
  let length = text.length
  const value = text.replace(tagPattern, (whole, tag: string) => {
    const found = length > tagTextLengthMax ? undefined : replacement(tag)
    length += (found ?? whole).length - whole.length
    return found ?? whole
  })
  return length > tagTextLengthMax ? undefined : value
}

function circle({ name, tag, value }: EndlessTag<string>): TagCircle {
  return new TagCircle(
    'properties contain self referencing definitions and cannot be resolved, ' +
      `fail tag: ${name}, found: ${tag.name}, value: ${value.slice(0, 500)}`,
  )
}
