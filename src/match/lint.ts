import type { Problem } from '../domain/origin.js'
import { walk } from './dialect/facts.js'
import type { Node } from './dialect/syntax.js'
import { widthOf } from './dialect/width.js'
import type { CompiledFilter, CompiledPattern } from './filter.js'
import { requiredLiterals } from './prefilter.js'

/** Groups whose text decides who is banned. */
const idGroups = ['ip4', 'ip6', 'dns', 'fid']

/** What is not wrong but dangerous or slow in a filter, each with what an attacker could make of it. All are warnings. */
export function lintFilter(filter: CompiledFilter): Problem[] {
  const { prefix, fail } = filter
  const problems = fail.flatMap((one) => lintPattern(one, prefix))
  if (prefix !== undefined) problems.push(...shapeProblems(prefix, 'prefregex'))
  if (fail.length > 0 && filter.maxlines === 1 && requiredLiterals(filter) === undefined) {
    const origin = fail[0]?.origin
    problems.push({
      severity: 'warning',
      message: 'no word stands in every line that this filter can match, so it reads every line in full',
      hint: 'give each failregex, or the prefregex, a literal word of three letters or more',
      ...(origin && { origin }),
    })
  }
  return problems
}

function lintPattern(one: CompiledPattern, prefix: CompiledPattern | undefined): Problem[] {
  const problems = shapeProblems(one, 'failregex')
  const { syntax } = one.pattern
  const ids = new Set(idGroups.flatMap((name) => syntax.names.get(name) ?? []))
  if (ids.size === 0) return problems
  if (!beginsAnchored(syntax.root)) {
    problems.push(
      warning(one, {
        message: `failregex finds its words anywhere in the ${prefix === undefined ? 'line' : 'content'}: a user name or request of an attacker may hold them, with somebody else's address`,
        hint: 'begin it with ^',
      }),
    )
  }
  if (catchAllBefore(syntax.root, ids) && !endsAnchored(syntax.root)) {
    problems.push(
      warning(one, {
        message:
          'failregex has a catch-all before the address and no $ behind it: an attacker may write the words that follow the catch-all himself',
        hint: 'end it with $, or say what the catch-all may hold, such as \\S+',
      }),
    )
  }
  return problems
}

/** A repeat in a repeat, where the same characters can be shared out between the two in many ways: exponential time. */
function shapeProblems(one: CompiledPattern, option: string): Problem[] {
  let isExponential = false
  walk(one.pattern.syntax.root, (node) => {
    if (node.type === 'repeat' && isUnbounded(node) && node.mode !== 'possessive' && canBeOneRepeat(node.body))
      isExponential = true
  })
  if (!isExponential) return []
  const message = `${option} repeats what is itself repeated: on a line that nearly matches it may take exponential time`
  return [
    warning(one, {
      message,
      hint: 'let the inner repeat begin with a character that cannot end it, or take one of the two away',
    }),
  ]
}

function warning({ origin }: CompiledPattern, text: { message: string; hint: string }): Problem {
  return { severity: 'warning', origin, ...text }
}

function isUnbounded(node: Node): boolean {
  return node.type === 'repeat' && node.max === Number.POSITIVE_INFINITY
}

/** Whether one round of the outer repeat can be nothing but an endless repeat of its own. */
function canBeOneRepeat(body: Node): boolean {
  switch (body.type) {
    case 'repeat':
      return isUnbounded(body) ? body.mode !== 'possessive' : canBeOneRepeat(body.body)
    case 'capture':
      return canBeOneRepeat(body.body)
    case 'choice':
      return body.branches.some(canBeOneRepeat)
    case 'conditional':
      return canBeOneRepeat(body.yes) || canBeOneRepeat(body.no)
    case 'sequence':
      return body.items.some(
        (item, i) => canBeOneRepeat(item) && body.items.every((other, k) => k === i || widthOf(other).min === 0),
      )
    default:
      return false
  }
}

/** Whether every way to match begins at the begin of the text. */
function beginsAnchored(node: Node): boolean {
  switch (node.type) {
    case 'anchor':
      return node.at === 'textStart' || node.at === 'lineStart'
    case 'capture':
    case 'atomic':
      return beginsAnchored(node.body)
    case 'repeat':
      return node.min > 0 && beginsAnchored(node.body)
    case 'choice':
      return node.branches.every(beginsAnchored)
    case 'sequence':
      // NOTE: what takes no room may stand before the anchor.
      for (const item of node.items) {
        if (beginsAnchored(item)) return true
        if (widthOf(item).max > 0) return false
      }
      return false
    default:
      return false
  }
}

/** Whether every way to match goes to the end of the text. */
function endsAnchored(node: Node): boolean {
  switch (node.type) {
    case 'anchor':
      return node.at === 'finalEnd' || node.at === 'textEnd' || node.at === 'lineEnd'
    case 'capture':
    case 'atomic':
      return endsAnchored(node.body)
    case 'choice':
      return node.branches.every(endsAnchored)
    case 'conditional':
      return endsAnchored(node.yes) && endsAnchored(node.no)
    case 'sequence':
      for (const item of node.items.toReversed()) {
        if (endsAnchored(item)) return true
        if (widthOf(item).max > 0) return false
      }
      return false
    default:
      return false
  }
}

/** Whether something that takes any text, however long, can stand before the first of these groups. */
function catchAllBefore(root: Node, ids: ReadonlySet<number>): boolean {
  let isBefore = true
  let found = false
  walk(root, (node) => {
    if (node.type === 'capture' && ids.has(node.index)) isBefore = false
    if (isBefore && node.type === 'repeat' && isUnbounded(node) && takesBlanksAndLetters(node.body)) found = true
  })
  return found
}

/** Such as `.` or `[^"]`: with blanks and letters in it, whole sentences fit. */
function takesBlanksAndLetters(node: Node): boolean {
  if (node.type === 'any') return true
  if (node.type !== 'set') return false
  const has = (code: number) =>
    node.items.some((item) => ('lo' in item ? item.lo <= code && code <= item.hi : hasClass(item, code))) !==
    node.negated
  return has(0x20) && has(0x61)
}

function hasClass(item: { kind: 'digit' | 'word' | 'space'; negated: boolean }, code: number): boolean {
  const isIn = item.kind === 'space' ? code === 0x20 : item.kind === 'word' && code === 0x61
  return isIn !== item.negated
}
