import type { Match } from './dialect/pattern.js'
import type { Node } from './dialect/syntax.js'
import { FieldPlan, type FieldTable } from './field-table.js'
import type { CompiledPattern } from './filter.js'

/** The prefregex of a filter: which lines are looked at, and which part of them (`<F-CONTENT>`). */
export class Prefix {
  readonly compiled: CompiledPattern
  /** Its groups, the content not counted. */
  readonly fields: FieldPlan
  readonly #contentSlot: number
  readonly #isContentLast: boolean

  constructor(compiled: CompiledPattern, table: FieldTable) {
    this.compiled = compiled
    this.fields = new FieldPlan(compiled, table, 'content')
    this.#contentSlot = compiled.pattern.slots.get('content') ?? 0
    this.#isContentLast = endsWithContent(compiled.pattern.syntax.root)
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

/** Whether a match ends where the content ends, so that its place can be told from its length. */
function endsWithContent(root: Node): boolean {
  const items = root.type === 'sequence' ? root.items : [root]
  const last = items.findLast((item) => item.type !== 'anchor' && item.type !== 'boundary' && item.type !== 'look')
  return last?.type === 'capture' && last.name === 'content'
}
