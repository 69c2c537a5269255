import { type EndlessTag, resolveTags } from '../lib/nested-tags.js'
import { reprText } from '../lib/python-text.js'
import { ConfigError } from './config-error.js'
import { originAt, replaceEach, type Traced } from './traced.js'

/**
 * Replaces `<tag>` in every value by the value of that name (spec 1.6). Tags that neither `values` nor `lookUp` know stay as they are
 * (`<HOST>`, `<ip>`, a shell's `<file`). Throws ConfigError for a circle, and for what grows without end.
 */
export function substituteTags(
  values: ReadonlyMap<string, Traced>,
  options: { keep: ReadonlySet<string>; lookUp(name: string): Traced | undefined },
): Map<string, Traced> {
  return resolveTags(values, {
    textOf: ({ text }) => text,
    replaceEach,
    find: (tag, values) => values.get(tag) ?? options.lookUp(tag),
    keep: options.keep,
    error,
  })
}

function error({ kind, name, value, tag, counts }: EndlessTag<Traced>): ConfigError {
  const origin = originAt(value, tag.start)
  const hint = `look for the definition of "${tag.name}"`
  if (kind === 'growth') return new ConfigError(`<${tag.name}> in "${name}" grows without end`, { origin, hint })
  const said = [...counts].map(([key, times]) => `${reprText(key)}: ${times}`).join(', ')
  return new ConfigError(`<${tag.name}> in "${name}" cannot be resolved: it leads back to itself`, {
    origin,
    hint,
    peerText:
      'properties contain self referencing definitions and cannot be resolved, ' +
      `fail tag: ${name}, found: ${tag.name} in {${said}}, value: ${value.text}`,
  })
}
