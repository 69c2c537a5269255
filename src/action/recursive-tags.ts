/** How often one tag may be replaced in one value before it is taken for a circle (spec 1.6). */
const replacementsMax = 25
/** Characters. Values that grow beyond this by replacement are a circle or an attack by configuration: nothing is run. */
const lengthMax = 1 << 20

/** Tags whose values are text of an attacker: they are never looked into for further tags. */
export const hostileTags: ReadonlySet<string> = new Set(['matches', 'ipmatches', 'ipjailmatches'])

/** Properties that lead back to themselves; Fail2ban's ValueError. */
class TagCircle extends Error {}

/**
 * Replaces `<tag>` in every property by the property of that name until nothing is left to replace (spec 6.3). `condition` is `family=inet4`
 * or empty: `x?family=inet4` then goes before `x`. Unknown tags stay. Throws TagCircle.
 */
export function substituteProperties(given: ReadonlyMap<string, string>, condition: string): Map<string, string> {
  const values = new Map(given)
  const open = new Set([...values.keys()].filter((name) => !hostileTags.has(name)))
  const counts = new Map<string, Map<string, number>>()
  const find = (tag: string) => (hostileTags.has(tag) ? undefined : conditional(values, tag, condition))
  for (let again = true; again; ) {
    again = false
    for (const name of open) {
      const before = values.get(name) ?? ''
      const count = counts.get(name) ?? new Map<string, number>()
      const after = replaceIn(name, before, count, find)
      values.set(name, after)
      if (!after.includes('<')) open.delete(name)
      else if (after !== before && tagAt(after, 0) !== undefined) {
        counts.set(name, count)
        again = true
      }
    }
  }
  return values
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
    const value = query.replace(tagPattern, (whole, tag: string) => replacement(tag) ?? whole)
    if (value === query || !value.includes('<')) return value
    if (value.length > lengthMax) break
    query = value
  }
  throw new TagCircle(
    `unexpected too long replacement interpolation, possible self referencing definitions in query: ${query.slice(0, 500)}`,
  )
}

function replaceIn(
  name: string,
  value: string,
  count: Map<string, number>,
  find: (tag: string) => string | undefined,
): string {
  let result = value
  for (let tag = tagAt(result, 0); tag !== undefined; ) {
    if (hostileTags.has(tag.name)) {
      tag = tagAt(result, tag.end)
      continue
    }
    const used = count.get(tag.name) ?? 0
    if (tag.name === name || Math.max(1, used) > replacementsMax || result.length > lengthMax) {
      throw new TagCircle(
        'properties contain self referencing definitions and cannot be resolved, ' +
          `fail tag: ${name}, found: ${tag.name}, value: ${result.slice(0, 500)}`,
      )
    }
    const replacement = find(tag.name)
    if (replacement === undefined) {
      tag = tagAt(result, tag.end)
      continue
    }
    result = result.replaceAll(`<${tag.name}>`, () => replacement)
    count.set(tag.name, used + 1)
    tag = tagAt(result, tag.start)
  }
  return result
}

/** Neither blanks nor angles inside, so the innermost comes first. */
const tagPattern = /<([^ <>]+)>/g

function tagAt(text: string, from: number): { name: string; start: number; end: number } | undefined {
  const pattern = new RegExp(tagPattern)
  pattern.lastIndex = from
  const match = pattern.exec(text)
  return match === null ? undefined : { name: match[1] ?? '', start: match.index, end: match.index + match[0].length }
}
