import { charOfEscape, classOfEscape, digitEscape } from './escape.js'
import { type Flags, withFlags } from './flags.js'
import { openCondition, openGroup } from './parse-group.js'
import { parseSet } from './parse-set.js'
import { type ParseState, startState } from './parse-state.js'
import { isDigit } from './reader.js'
import { type Node, PatternError, type Repeat, type Syntax } from './syntax.js'

/** How deep groups may nest; beyond it the pattern is refused rather than our stack overrun. */
const depthMax = 200

/** Most repetitions that may be written as a number: Python's limit is 2^32 - 2. */
const repeatMax = 4294967295

/** Reads a pattern in the dialect of Python 3.11's `re` (text patterns). Throws PatternError with Python's message and position. */
export function parsePattern(pattern: string, options: { multiline?: boolean } = {}): Syntax {
  const state = startState(pattern, options.multiline ?? false)
  const root = parseBranches(state, state.flags, 0)
  if (state.reader.next !== undefined) throw state.reader.error('unbalanced parenthesis')
  for (const [group, position] of state.numbersUsed) {
    if (group > state.groups) throw new PatternError(`invalid group reference ${group}`, position)
  }
  return { root, groups: state.groups, names: state.names }
}

function parseBranches(state: ParseState, flags: Flags, depth: number): Node {
  if (depth > depthMax) throw state.reader.error(`groups nest deeper than ${depthMax}`)
  const branches: Node[] = []
  do {
    // Flags for the whole pattern can only stand at its begin; later branches see them by `state.flags`.
    branches.push(parseSequence(state, depth === 0 ? state.flags : flags, depth, depth === 0 && branches.length === 0))
  } while (state.reader.accept('|'))
  const [only] = branches
  return branches.length === 1 && only !== undefined ? only : { type: 'choice', branches }
}

/** What a quantifier behind it would mean: anchors and quantified items take none. */
type LastItem = 'none' | 'anchor' | 'repeat' | 'other'

function parseSequence(state: ParseState, given: Flags, depth: number, isFirst: boolean): Node {
  const { reader } = state
  const items: Node[] = []
  let flags = given
  let last: LastItem = 'none'
  while (reader.next !== undefined && reader.next !== '|' && reader.next !== ')') {
    const token = reader.take() ?? ''
    if (flags.verbose && skipVerbose(state, token)) continue
    if (token === '*' || token === '+' || token === '?' || token === '{') {
      const repeat = parseRepeat(state, token, last, items)
      items.push(repeat)
      last = repeat.type === 'repeat' ? 'repeat' : 'other'
      continue
    }
    if (token === '(') {
      const group = parseGroup(state, flags, depth, isFirst && items.length === 0)
      if (group === 'nothing') continue
      if (group === 'flags') {
        flags = state.flags
        continue
      }
      items.push(group)
      last = 'other'
      continue
    }
    const item = parseAtom(state, token, flags)
    items.push(item)
    last = item.type === 'anchor' || item.type === 'boundary' ? 'anchor' : 'other'
  }
  const [only] = items
  return items.length === 1 && only !== undefined ? only : { type: 'sequence', items }
}

function skipVerbose(state: ParseState, token: string): boolean {
  if (token.length === 1 && ' \t\n\r\v\f'.includes(token)) return true
  if (token !== '#') return false
  for (;;) {
    const skipped = state.reader.take()
    if (skipped === undefined || skipped === '\n') return true
  }
}

function parseAtom(state: ParseState, token: string, flags: Flags): Node {
  const fold = foldOf(flags)
  if (token.startsWith('\\')) return parseEscape(state, token, flags)
  if (token === '.') return { type: 'any', newline: flags.dotAll }
  if (token === '^') return { type: 'anchor', at: flags.multiline ? 'lineStart' : 'textStart' }
  if (token === '$') return { type: 'anchor', at: flags.multiline ? 'lineEnd' : 'finalEnd' }
  if (token === '[') return { type: 'set', ...parseSet(state.reader), fold, ascii: flags.ascii }
  return { type: 'char', code: token.codePointAt(0) ?? 0, fold }
}

function parseEscape(state: ParseState, escaped: string, flags: Flags): Node {
  const letter = escaped.slice(1)
  if (letter === 'A') return { type: 'anchor', at: 'textStart' }
  if (letter === 'Z') return { type: 'anchor', at: 'textEnd' }
  if (letter === 'b' || letter === 'B') return { type: 'boundary', negated: letter === 'B', ascii: flags.ascii }
  const fold = foldOf(flags)
  const asClass = classOfEscape(escaped)
  if (asClass !== undefined) return { type: 'set', negated: false, items: [asClass], fold: 'none', ascii: flags.ascii }
  if (!isDigit(letter)) return { type: 'char', code: charOfEscape(state.reader, escaped), fold }
  const digits = digitEscape(state.reader, escaped)
  if ('code' in digits) return { type: 'char', code: digits.code, fold }
  if (digits.group > state.groups)
    throw state.reader.error(`invalid group reference ${digits.group}`, digits.text.length - 1)
  state.checkReference(digits.group, digits.text.length)
  return { type: 'reference', index: digits.group, fold }
}

const foldOf = (flags: Flags) => (!flags.ignoreCase ? 'none' : flags.ascii ? 'ascii' : 'unicode')

/** A quantifier applied to the last of `items`, which is taken off; or the literal `{` when it is none. */
function parseRepeat(state: ParseState, token: string, last: LastItem, items: Node[]): Node {
  const { reader } = state
  const begin = reader.position
  const bounds = token === '{' ? parseBounds(state) : simpleBounds(token)
  if (bounds === undefined) {
    reader.seek(begin)
    return { type: 'char', code: 0x7b, fold: 'none' }
  }
  const back = reader.position - begin + token.length
  if (last === 'none' || last === 'anchor') throw reader.error('nothing to repeat', back)
  if (last === 'repeat') throw reader.error('multiple repeat', back)
  const body = items.pop() ?? { type: 'sequence', items: [] }
  const mode: Repeat['mode'] = reader.accept('?') ? 'lazy' : reader.accept('+') ? 'possessive' : 'greedy'
  return { type: 'repeat', ...bounds, mode, body }
}

const simpleBounds = (token: string) =>
  token === '?' ? { min: 0, max: 1 } : { min: token === '+' ? 1 : 0, max: Number.POSITIVE_INFINITY }

/** `{2}`, `{2,}`, `{,3}`, `{,}`; undefined: just a brace. */
function parseBounds(state: ParseState): { min: number; max: number } | undefined {
  const { reader } = state
  const begin = reader.position
  if (reader.next === '}') return undefined
  const low = reader.takeWhile(Number.POSITIVE_INFINITY, isDigit)
  const high = reader.accept(',') ? reader.takeWhile(Number.POSITIVE_INFINITY, isDigit) : low
  if (!reader.accept('}')) return undefined
  const min = low === '' ? 0 : Number(low)
  const max = high === '' ? Number.POSITIVE_INFINITY : Number(high)
  if (min >= repeatMax || (high !== '' && max >= repeatMax))
    throw new PatternError('the repetition number is too large')
  if (max < min) throw reader.error('min repeat greater than max repeat', reader.position - begin)
  return { min, max }
}

function parseGroup(state: ParseState, flags: Flags, depth: number, mayBeFlags: boolean): Node | 'nothing' | 'flags' {
  const { reader } = state
  const begin = reader.position - 1
  const group = openGroup(state, begin)
  const close = () => {
    if (!reader.accept(')')) throw reader.error('missing ), unterminated subpattern', reader.position - begin)
  }
  if (group.kind === 'comment') return 'nothing'
  if (group.kind === 'reference') return { type: 'reference', index: group.index, fold: foldOf(flags) }
  if (group.kind === 'flags') {
    if (!mayBeFlags) throw reader.error('global flags not at the start of the expression', reader.position - begin)
    state.flags = withFlags(state.flags, group.on)
    return 'flags'
  }
  if (group.kind === 'condition') {
    const index = openCondition(state)
    const yes = parseSequence(state, flags, depth + 1, false)
    const no: Node = reader.accept('|')
      ? parseSequence(state, flags, depth + 1, false)
      : { type: 'sequence', items: [] }
    if (reader.next === '|') throw reader.error('conditional backref with more than two branches')
    close()
    return { type: 'conditional', index, yes, no }
  }
  const body = parseBranches(state, group.kind === 'flagged' ? withFlags(flags, group.on, group.off) : flags, depth + 1)
  if (group.kind === 'look') {
    state.closeLook(group.restore)
    close()
    return { type: 'look', ahead: group.ahead, negated: group.negated, body }
  }
  close()
  if (group.kind === 'atomic') return { type: 'atomic', body }
  if (group.kind !== 'capture') return body
  state.openGroups.delete(group.index)
  return { type: 'capture', index: group.index, name: group.name, body }
}
