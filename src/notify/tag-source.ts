import type { OwnNames } from './own-names.js'

/** What fills the tags of a ban in a text (spec 6.3); the actions' tags of a ban are one. Values are hostile text. */
export interface TagSource {
  value(tag: string): string | undefined
  /** The value of a ticket's field, by its name in lower case (`<F-USER>`: `user`). */
  field(name: string): string | undefined
  /** Characters of log text that it keeps in memory. */
  readonly textLength?: number
  /** Asks for what cannot be had at once, if the text names it. */
  prepare?(text: string): Promise<void>
}

/** Fields with another name in the ticket. */
const fieldNames: Readonly<Record<string, string>> = { id: 'fid', port: 'fport' }
/** Never taken from an action's properties: they are the log's. */
const hostile = new Set(['matches', 'ipmatches', 'ipjailmatches'])
const field = /^F-([A-Z0-9_-]+)$/

export interface TagLookup {
  properties: ReadonlyMap<string, string>
  names: OwnNames
  /** Undefined for a message that belongs to no ban. */
  tags: TagSource | undefined
}

/** The text for `<tag>`: the action's own property, then the ban's; undefined: nobody knows it, and it stays as it stands. */
export function tagText(tag: string, { properties, names, tags }: TagLookup): string | undefined {
  if (tag === 'br') return '\n'
  if (tag === 'sp') return ' '
  if (tag === 'fq-hostname') return names.full
  if (tag === 'sh-hostname') return names.short
  const own = hostile.has(tag) ? undefined : properties.get(tag)
  const value = own ?? tags?.value(tag)
  if (value !== undefined || tags === undefined) return value
  const name = field.exec(tag)?.[1]?.toLowerCase()
  return name === undefined ? undefined : (tags.field(fieldNames[name] ?? name) ?? '')
}
