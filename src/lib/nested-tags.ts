import { type Tag, tagAt } from './tag.js'

/** How often one tag may be replaced in one value before Fail2ban takes it for a circle (spec 1.6). */
export const replacementsMax = 25

/** Characters of one value. Tags double it with every step, and Fail2ban goes on until the memory is full: here it is an error. */
export const tagTextLengthMax = 1 << 20

/** Characters looked through or written for one table: a fifth of a second. Beyond, it is an error, as above. */
const workMax = 32 << 20

/** Why the tags of a value have no end. */
export interface EndlessTag<V> {
  /** It leads back to itself, or what comes of it is too much. */
  kind: 'circle' | 'growth'
  /** Of the value in the table. */
  name: string
  value: V
  tag: Tag
  /** How often each tag was replaced in it. */
  counts: ReadonlyMap<string, number>
}

/** What tags mean in a table, and what its values are made of. */
export interface TagRules<V> {
  textOf(value: V): string
  /** `value` with every `needle` replaced. */
  replaceEach(value: V, needle: string, replacement: V): V
  /** What stands for a tag, `values` being the table as far as it is done; undefined: the tag stays. */
  find(tag: string, values: ReadonlyMap<string, V>): V | undefined
  /** Tags that stay, and whose own values are not looked into. */
  keep: ReadonlySet<string>
  /** What is thrown. */
  error(endless: EndlessTag<V>): Error
}

/** Replaces `<tag>` in every value of a table, innermost first, until nothing is left to replace (spec 1.6, 6.3). */
export function resolveTags<V>(table: ReadonlyMap<string, V>, rules: TagRules<V>): Map<string, V> {
  return new Resolution(table, rules).run()
}

class Resolution<V> {
  readonly #rules: TagRules<V>
  readonly #values: Map<string, V>
  readonly #counts = new Map<string, Map<string, number>>()
  #workLeft = workMax

  constructor(table: ReadonlyMap<string, V>, rules: TagRules<V>) {
    this.#rules = rules
    this.#values = new Map(table)
  }

  run(): Map<string, V> {
    const { keep, textOf } = this.#rules
    const open = new Set([...this.#values.keys()].filter((name) => !keep.has(name)))
    for (let again = true; again; ) {
      again = false
      for (const name of open) {
        const before = this.#values.get(name)
        if (before === undefined) continue
        const count = this.#counts.get(name) ?? new Map<string, number>()
        const after = this.#replaceIn(name, before, count)
        this.#values.set(name, after)
        const text = textOf(after)
        if (!text.includes('<')) open.delete(name)
        else if (text !== textOf(before) && tagAt(text, 0) !== undefined) {
          this.#counts.set(name, count)
          again = true
        }
      }
    }
    return this.#values
  }

  #replaceIn(name: string, value: V, counts: Map<string, number>): V {
    const { keep, textOf, find, replaceEach, error } = this.#rules
    let result = value
    this.#workLeft -= textOf(value).length
    for (let tag = tagAt(textOf(result), 0); tag !== undefined; ) {
      const text = textOf(result)
      const used = counts.get(tag.name) ?? 0
      if (tag.name === name || used > replacementsMax) throw error({ kind: 'circle', name, value: result, tag, counts })
      const replacement = keep.has(tag.name) ? undefined : find(tag.name, this.#values)
      if (replacement === undefined) {
        tag = tagAt(text, tag.end)
        continue
      }
      const needle = `<${tag.name}>`
      if (!this.#mayGrow(text, needle, textOf(replacement)))
        throw error({ kind: 'growth', name, value: result, tag, counts })
      result = replaceEach(result, needle, replacement)
      counts.set(tag.name, used + 1)
      tag = tagAt(textOf(result), tag.start)
    }
    return result
  }

  /** Asked before it is done: a text of tags times a long value is more than a string may hold. */
  #mayGrow(text: string, needle: string, replacement: string): boolean {
    let length = text.length
    for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + needle.length))
      length += replacement.length - needle.length
    this.#workLeft -= text.length + length
    return length <= tagTextLengthMax && this.#workLeft >= 0
  }
}
