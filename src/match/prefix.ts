import type { CurrentLine } from './current-line.js'
import type { Match } from './dialect/pattern.js'
import type { Node } from './dialect/syntax.js'
import { FieldPlan, type FieldTable, type FieldValues } from './field-table.js'
import type { CompiledPattern } from './filter.js'
import { PrefixMemory, type Shape } from './prefix-memory.js'

/** The prefregex of a filter: which lines are looked at, and which part of them (`<F-CONTENT>`). */
export class Prefix {
  readonly compiled: CompiledPattern
  /** Its groups, the content not counted. */
  readonly fields: FieldPlan
  readonly #contentSlot: number
  readonly #isContentLast: boolean
  readonly #memory: PrefixMemory | undefined
  /** Python's number of each group that is a field, and the field's place. */
  readonly #groups: readonly { group: number; place: number }[]
  /** The present line, when it was recalled instead of searched. */
  #shape: Shape | undefined
  #text = ''
  /** Where in the text the line begins. */
  #start = 0

  constructor(compiled: CompiledPattern, table: FieldTable) {
    this.compiled = compiled
    this.fields = new FieldPlan(compiled, table, 'content')
    this.#contentSlot = compiled.pattern.slots.get('content') ?? 0
    this.#isContentLast = endsWithContent(compiled.pattern.syntax.root)
    this.#memory = this.fields.isPlain ? PrefixMemory.of(compiled.pattern) : undefined
    this.#groups = [...compiled.pattern.syntax.names].flatMap(([name, group]) =>
      name === 'content' ? [] : [{ group, place: table.placeOf(name) }],
    )
  }

  /**
   * The content of a text of one line whose shape is known from other lines, as by a search and `contentOf`; the empty text: it does
   * not match. Undefined: it has to be searched.
   */
  recall(line: CurrentLine): string | undefined {
    const memory = this.#memory
    if (memory === undefined) return undefined
    const isWindow = line.textStart >= 0
    const shape =
      isWindow && line.bytes !== undefined
        ? memory.findInBytes(line.bytes, line.textStart, line.end + 1, line)
        : memory.find(line.text, isWindow ? line.chunk : line.text, isWindow ? line.textStart : 0)
    this.#shape = shape
    if (shape === undefined) return undefined
    this.#text = isWindow ? line.chunk : line.text
    this.#start = isWindow ? line.textStart : 0
    return shape.contentStart < 0
      ? ''
      : this.#text.slice(this.#start + shape.contentStart, isWindow ? line.end + 1 : undefined)
  }

  /** Puts the fields of the text that was recalled over `values`, as windows into it. */
  fillRecalled(values: FieldValues): void {
    if (this.#shape === undefined) return
    const { marks } = this.#shape
    for (let i = 0; i < this.#groups.length; i++) {
      const { group, place } = this.#groups[i] ?? nowhere
      const end = marks[2 * group + 1] ?? -1
      if (end >= 0) values[place] = this.#text.slice(this.#start + (marks[2 * group] ?? 0), this.#start + end)
    }
  }

  /** The text for the fail patterns: the content with a line feed, or all of it when there is no content or it is empty. */
  contentOf(text: string, match: Match): string {
    if (this.#contentSlot === 0) return text
    const content = match[this.#contentSlot]
    if (content === undefined || content === '') return text
    const end = match.index + (match[0]?.length ?? 0)
    // Nearly always the content is the rest of the line: then its line feed is there already, and nothing has to be joined.
    if (this.#isContentLast && end === text.length - 1) return text.slice(end - content.length)
    return `${content}\n`
  }
}

const nowhere = { group: -1, place: 0 }

/** Whether a match ends where the content ends, so that its place can be told from its length. */
function endsWithContent(root: Node): boolean {
  const items = root.type === 'sequence' ? root.items : [root]
  const last = items.findLast((item) => item.type !== 'anchor' && item.type !== 'boundary' && item.type !== 'look')
  return last?.type === 'capture' && last.name === 'content'
}
