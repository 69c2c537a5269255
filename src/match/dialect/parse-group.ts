import { parseFlags } from './flags.js'
import type { ParseState } from './parse-state.js'

/** What the text behind `(` opens. */
export type Opening =
  | { kind: 'comment' }
  | { kind: 'reference'; index: number }
  | { kind: 'flags'; on: string }
  | { kind: 'flagged'; on: string; off: string }
  | { kind: 'plain' }
  | { kind: 'atomic' }
  | { kind: 'condition' }
  | { kind: 'look'; ahead: boolean; negated: boolean; restore: { groupsBeforeLookbehind: number | undefined } }
  | { kind: 'capture'; index: number; name: string | undefined }

/** Reads what kind of group begins; its opening parenthesis, at `begin`, is taken. Comments and references are taken whole. */
export function openGroup(state: ParseState, begin: number): Opening {
  const { reader } = state
  if (!reader.accept('?')) return capture(state, undefined)
  const char = take(state)
  if (char === 'P') return openNamed(state)
  if (char === ':') return { kind: 'plain' }
  if (char === '#') return comment(state, begin)
  if (char === '=' || char === '!' || char === '<') return look(state, char)
  if (char === '(') return { kind: 'condition' }
  if (char === '>') return { kind: 'atomic' }
  if (/^[aiLmsux-]$/.test(char)) {
    const change = parseFlags(reader, char)
    return change.scope === 'pattern'
      ? { kind: 'flags', on: change.on }
      : { kind: 'flagged', on: change.on, off: change.off }
  }
  throw reader.error(`unknown extension ?${char}`, char.length + 1)
}

/** Reads the group that a condition `(?(` asks for, and the closing parenthesis behind it. */
export function openCondition(state: ParseState): number {
  const { reader } = state
  const name = reader.takeUntil(')', 'group name')
  const group = isIdentifier(name) ? state.names.get(name) : Number(/^\d+$/.test(name) ? name : Number.NaN)
  if (group === undefined) throw reader.error(`unknown group name ${quoted(name)}`, name.length + 1)
  if (Number.isNaN(group)) throw reader.error(`bad character in group name ${quoted(name)}`, name.length + 1)
  if (group === 0) throw reader.error('bad group number', name.length + 1)
  if (!state.numbersUsed.has(group)) state.numbersUsed.set(group, reader.position - name.length - 1)
  state.checkLookbehind(group)
  return group
}

function openNamed(state: ParseState): Opening {
  const { reader } = state
  if (reader.accept('<')) {
    const name = reader.takeUntil('>', 'group name')
    checkName(state, name)
    return capture(state, name)
  }
  if (!reader.accept('=')) {
    const char = take(state)
    throw reader.error(`unknown extension ?P${char}`, char.length + 2)
  }
  const name = reader.takeUntil(')', 'group name')
  checkName(state, name)
  const index = state.names.get(name)
  if (index === undefined) throw reader.error(`unknown group name ${quoted(name)}`, name.length + 1)
  state.checkReference(index, name.length + 1)
  return { kind: 'reference', index }
}

function capture(state: ParseState, name: string | undefined): Opening {
  state.groups++
  if (name !== undefined) {
    const before = state.names.get(name)
    if (before !== undefined) {
      const text = `redefinition of group name ${quoted(name)} as group ${state.groups}; was group ${before}`
      throw state.reader.error(text, name.length + 1)
    }
    state.names.set(name, state.groups)
  }
  state.openGroups.add(state.groups)
  return { kind: 'capture', index: state.groups, name }
}

function comment(state: ParseState, begin: number): Opening {
  const { reader } = state
  for (;;) {
    if (reader.next === undefined) throw reader.error('missing ), unterminated comment', reader.position - begin)
    if (reader.take() === ')') return { kind: 'comment' }
  }
}

function look(state: ParseState, char: string): Opening {
  const restore = { groupsBeforeLookbehind: state.groupsBeforeLookbehind }
  if (char !== '<') return { kind: 'look', ahead: true, negated: char === '!', restore }
  const sign = take(state)
  if (sign !== '=' && sign !== '!') throw state.reader.error(`unknown extension ?<${sign}`, sign.length + 2)
  state.groupsBeforeLookbehind ??= state.groups
  return { kind: 'look', ahead: false, negated: sign === '!', restore }
}

function take(state: ParseState): string {
  const token = state.reader.take()
  if (token === undefined) throw state.reader.error('unexpected end of pattern')
  return token
}

function checkName(state: ParseState, name: string): void {
  if (!isIdentifier(name)) throw state.reader.error(`bad character in group name ${quoted(name)}`, name.length + 1)
}

const isIdentifier = (name: string): boolean => /^[\p{L}\p{Nl}_][\p{L}\p{N}\p{M}\p{Pc}]*$/u.test(name)

/** As Python's `repr` prints a text without control characters. */
const quoted = (text: string): string => (text.includes("'") && !text.includes('"') ? `"${text}"` : `'${text}'`)
