import assert from 'node:assert/strict'
import type { Problem } from '../domain/origin.js'
import { walk } from './dialect/facts.js'
import type { Node } from './dialect/syntax.js'
import { widthOf } from './dialect/width.js'
import { type CompiledFilter, type CompiledPattern, idGroups } from './filter.js'
import { type Forgery, type ForgeryKind, findForgeries, peer, victim } from './lint-forgery.js'
import { requiredLiterals } from './prefilter.js'

/** How dangerous a remark is, the worst first: a ban of somebody else at an attacker's will, a daemon that hangs, a ban under conditions, or where long lines are cut; a cost. */
const dangers = ['forgeable', 'exponential', 'conditional', 'cut', 'slow'] as const
export type Danger = (typeof dangers)[number]

/** A warning about a pattern that is not wrong. */
export interface LintProblem extends Problem {
  danger: Danger
}

/** What is not wrong but dangerous or slow in a filter, each with what an attacker could make of it; the worst first. All are warnings. */
export function lintFilter(filter: CompiledFilter): LintProblem[] {
  const { prefix, fail } = filter
  const remarks = fail.flatMap((one) => remarksOn(one, prefix))
  remarks.push(...filter.success.flatMap((one) => remarksOn(one, prefix).map(ofSuccess)))
  if (prefix !== undefined) remarks.push(...shapeRemarks(prefix, 'prefregex'), ...unanchoredPrefix(prefix))
  remarks.push(...filter.ignore.flatMap(remarksOnIgnore))
  const [first] = fail
  if (first !== undefined && filter.maxlines === 1 && requiredLiterals(filter) === undefined) {
    remarks.push({
      pattern: first,
      danger: 'slow',
      claim: 'no word stands in every line that this filter can match, so it reads every line in full',
      hint: 'give each failregex, or the prefregex, a literal word of three letters or more',
    })
  }
  const byClaim = new Map<string, Remark[]>()
  for (const remark of remarks) byClaim.set(remark.claim, [...(byClaim.get(remark.claim) ?? []), remark])
  return [...byClaim.values()].map(told).sort((a, b) => weightOf(a) - weightOf(b))
}

/** For sorting: the worst is the least. Warnings of other kinds come before, for they are about what does not work. */
export const weightOf = (problem: Problem): number =>
  'danger' in problem ? dangers.indexOf(problem.danger as Danger) : -1

/** Something to say of a pattern. */
interface Remark {
  pattern: CompiledPattern
  danger: Danger
  /** The same for all patterns of which it is true. */
  claim: string
  example?: string
  hint: string
}

/** One warning for all patterns of a filter of which the same is to be said. */
function told(remarks: readonly Remark[]): LintProblem {
  const [first, ...others] = remarks
  assert(first !== undefined)
  const { pattern, danger, claim, example, hint } = first
  const where = others.map((one) => one.pattern.origin.line).join(', ')
  const more = others.length === 0 ? '' : ` (and ${others.length} more: line${others.length === 1 ? '' : 's'} ${where})`
  const message = `${danger}: ${claim}${example === undefined ? '' : `: ${example}`}${more}`
  return { severity: 'warning', danger, message, origin: pattern.origin, hint }
}

function remarksOn(one: CompiledPattern, prefix: CompiledPattern | undefined): Remark[] {
  const remarks = shapeRemarks(one, 'failregex')
  const { syntax } = one.pattern
  if (!idGroups.some((name) => syntax.names.has(name))) return remarks
  if (!beginsAnchored(syntax.root)) {
    const where = prefix === undefined ? 'line' : 'content'
    remarks.push({
      pattern: one,
      danger: 'forgeable',
      claim: `failregex finds its words anywhere in the ${where}: a user name or request of an attacker may hold them, with somebody else's address`,
      hint: 'begin it with ^',
    })
    return remarks
  }
  // What explodes explodes on our lines too; and it is remarked upon already.
  const forgeries = remarks.length > 0 ? new Map<ForgeryKind, Forgery>() : findForgeries(one.pattern)
  // All are ways to the same end: the easiest is told.
  for (const kind of ['field', 'leftOpen', 'delimiter', 'cut'] as const) {
    const forgery = forgeries.get(kind)
    if (forgery !== undefined) return [...remarks, { pattern: one, ...textOfForgery(forgery) }]
  }
  return remarks
}

/** A prefix that may begin anywhere lets an attacker's text be the content. */
function unanchoredPrefix(prefix: CompiledPattern): Remark[] {
  if (beginsAnchored(prefix.pattern.syntax.root)) return []
  return [
    {
      pattern: prefix,
      danger: 'forgeable',
      claim:
        "prefregex finds its words anywhere in the line: a user name or request of an attacker may hold them, and what he writes behind them is taken for the program's message",
      hint: 'begin it with ^',
    },
  ]
}

/** Whoever can write what an ignoreregex looks for is never banned. */
function remarksOnIgnore(one: CompiledPattern): Remark[] {
  const remarks = shapeRemarks(one, 'ignoreregex')
  const { root } = one.pattern.syntax
  // Where something stands before the anchor (`"^$"`) it matches nothing at all.
  if (beginsAnchored(root) || hasBegin(root)) return remarks
  const claim =
    'ignoreregex finds its words anywhere in the line: an attacker who writes them into a user name or request is never counted'
  return [
    ...remarks,
    { pattern: one, danger: 'conditional', claim, hint: 'begin it with ^ and say all that stands before the words' },
  ]
}

function hasBegin(root: Node): boolean {
  let has = false
  walk(root, (node) => {
    if (node.type === 'anchor' && node.at === 'textStart') has = true
  })
  return has
}

/** The same of a pattern that forgives: whoever can write its line himself is never banned. */
function ofSuccess(remark: Remark): Remark {
  const { claim, example } = remark
  const told = { ...remark, claim: claim.replace(/^failregex/, 'successregex') }
  return example === undefined ? told : { ...told, example: example.replace(`bans ${victim}`, `forgives ${victim}`) }
}

function textOfForgery({ kind, line }: Forgery): Omit<Remark, 'pattern'> {
  const example = `${JSON.stringify(line)} of ${peer} bans ${victim}`
  switch (kind) {
    case 'field':
      return {
        danger: 'forgeable',
        claim: "failregex takes any text of an attacker's for the address",
        example,
        hint: 'let the catch-all take all it can (.* for .*?), with the address last and $ behind it; or say what it may hold, such as \\S+',
      }
    case 'leftOpen':
      return {
        danger: 'conditional',
        claim:
          "failregex has a catch-all before the address and no end ($) behind it: where text of an attacker's can follow, it takes an address from there",
        example,
        hint: 'end it with $',
      }
    case 'delimiter':
      return {
        danger: 'conditional',
        claim:
          "failregex has an attacker's text before the address and no end ($) behind it: where the program does not escape what ends that text, he ends it himself",
        example,
        hint: 'end it with $',
      }
    case 'cut':
      return {
        danger: 'cut',
        claim:
          'failregex has an endless catch-all before the address: where the program or syslog cuts long lines, an attacker chooses the address that the line ends with',
        example: `${JSON.stringify(line)}, cut there, bans ${victim}`,
        hint: 'say how long the catch-all can be: .{0,100}',
      }
    default:
      return kind satisfies never
  }
}

/** A repeat in a repeat, where the same characters can be shared out between the two in many ways: exponential time. */
function shapeRemarks(one: CompiledPattern, option: string): Remark[] {
  let isExponential = false
  walk(one.pattern.syntax.root, (node) => {
    if (node.type === 'repeat' && isUnbounded(node) && node.mode !== 'possessive' && canBeOneRepeat(node.body))
      isExponential = true
  })
  if (!isExponential) return []
  return [
    {
      pattern: one,
      danger: 'exponential',
      claim: `${option} repeats what is itself repeated: on a line that nearly matches it may take exponential time`,
      hint: 'let the inner repeat begin with a character that cannot end it, or take one of the two away',
    },
  ]
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
