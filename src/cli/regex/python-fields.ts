import { parseIp } from '../../domain/address.js'
import { reprText } from '../../lib/python-text.js'
import type { Match, Pattern } from '../../match/dialect/pattern.js'
import { complexName } from '../../match/field-table.js'
import type { PatternHit } from '../../match/finding.js'

/** A line as Fail2ban takes it apart: before the date, the date, behind it. */
export type LineParts = readonly [before: string, date: string, behind: string]

/** A value as Fail2ban's tool has it; null is Python's None. */
export type FieldValue = string | number | null | Tuple | ReadonlySet<string> | readonly LineParts[]

/** A Python tuple of texts. */
export class Tuple {
  readonly items: readonly (string | null)[]
  constructor(items: readonly (string | null)[]) {
    this.items = items
  }
}

/** The data of a failure, in the order in which Python keeps them. */
export type Fields = Map<string, FieldValue>

/** What is kept of a session beside its fields. */
interface Remembered {
  fields: Fields
  users: Set<string>
  lines: LineParts[]
  earlierLines: LineParts[]
  isPending: boolean
}

/**
 * The data of failures as `-o row` prints them: which names there are, in which order, and which of them are None. The engine merges
 * sessions by itself (match/sessions.ts); this keeps the same sessions in Python's form (spec sections 3.4 and 3.6).
 */
export class PythonFields {
  readonly #sessions = new WeakMap<object, Remembered>()

  readonly #prefix: Pattern | undefined

  constructor(prefix: Pattern | undefined) {
    this.#prefix = prefix
  }

  /** The data of one match; `lines` are those that it took. */
  read({ pattern, match, before, session }: PatternHit, lines: readonly LineParts[]): Fields {
    const own = groupsOf(pattern.pattern, match)
    const fields =
      before === undefined || this.#prefix === undefined ? own : withPrefix(own, groupsOf(this.#prefix, before))
    if (session === undefined) {
      fields.set('matches', [...lines])
      withAddress(fields)
      return fields
    }
    return this.#merge(session, fields, lines)
  }

  /** To be called when the failure has to wait for its address. */
  markPending(session: object | undefined): void {
    const known = session && this.#sessions.get(session)
    if (known !== undefined) known.isPending = true
  }

  #merge(session: object, own: Fields, lines: readonly LineParts[]): Fields {
    const isGained = isSet(own.get('mlfgained'))
    if (isGained && !isSet(own.get('nofail'))) own.set('nofail', own.get('mlfgained') ?? null)
    let isNofail = isSet(own.get('nofail'))
    let isGain = isGained
    const isForgotten = isSet(own.get('mlfforget'))
    own.delete('mlfforget')
    const user = own.get('user')
    const before = this.#sessions.get(session)
    const known = before ?? { fields: own, users: new Set<string>(), lines: [], earlierLines: [], isPending: false }
    const mayAdd = before !== undefined || !isForgotten
    if (mayAdd && typeof user === 'string' && user !== '') {
      known.users.add(user)
      known.fields.set('users', known.users)
    }
    if (before !== undefined) {
      const wasNofail = isSet(known.fields.get('nofail')) || isSet(known.fields.get('mlfgained'))
      known.fields.delete('nofail')
      known.fields.delete('mlfgained')
      if (isGained) known.isPending = false
      if (!wasNofail && !known.isPending) known.lines = []
      for (const [name, value] of own) if (value !== null) known.fields.set(name, value)
    } else if (!isForgotten) this.#sessions.set(session, known)
    if (known.isPending || known.users.size > 1) {
      known.fields.delete('nofail')
      known.fields.delete('mlfgained')
      isNofail = false
      isGain = false
    }
    known.isPending = false
    keepLines(known, lines, { isNofail, isGain, isForgotten })
    known.fields.set('matches', known.lines)
    withAddress(known.fields)
    return new Map(known.fields).set('matches', [...known.lines])
  }
}

/** Beyond it the oldest lines are dropped. */
const linesMax = 50

function keepLines(
  known: Remembered,
  lines: readonly LineParts[],
  state: { isNofail: boolean; isGain: boolean; isForgotten: boolean },
): void {
  if (state.isNofail) {
    if (!state.isForgotten) known.earlierLines = [...known.earlierLines, ...lines].slice(-linesMax)
    return
  }
  known.lines = [...known.earlierLines, ...known.lines, ...(state.isGain ? [] : lines)].slice(-linesMax)
  known.earlierLines = []
}

const isSet = (value: FieldValue | undefined): boolean => typeof value === 'string' && value !== ''

/** The named groups in the order of the pattern, with stand-ins and tuples in place (spec section 3.2). */
export function groupsOf(pattern: Pattern, match: Match): Fields {
  const fields: Fields = new Map()
  for (const [name, slot] of pattern.slots) fields.set(name, match[slot] ?? null)
  const complex = [...fields.keys()].flatMap((name) => {
    const complex = complexName(name)
    return complex === undefined ? [] : [{ name, isAlt: complex.kind === 'alt', field: complex.field }]
  })
  complex.sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const { name, isAlt, field } of complex) {
    const value = fields.get(name)
    if (isAlt && isSet(value) && !isSet(fields.get(field))) fields.set(field, value ?? null)
  }
  for (const { name, isAlt, field } of complex) {
    if (isAlt) continue
    const present = fields.get(field)
    const items = present instanceof Tuple ? present.items : [textOrNull(present)]
    fields.set(field, new Tuple([...items, textOrNull(fields.get(name))]))
  }
  return fields
}

const textOrNull = (value: FieldValue | undefined): string | null => (typeof value === 'string' ? value : null)

/** Groups of the prefix come first; those of the pattern go over them where they took part in the match. */
function withPrefix(own: Fields, fields: Fields): Fields {
  fields.delete('content')
  if (fields.size === 0) return own
  for (const [name, value] of own) if (value !== null) fields.set(name, value)
  return fields
}

/** Where the id is not the address, the address is data of its own. */
function withAddress(fields: Fields): void {
  const fid = fields.get('fid')
  const address = fields.get('ip4') ?? fields.get('ip6') ?? fields.get('dns')
  if (typeof fid !== 'string' || typeof address !== 'string' || fid === address) return
  fields.set('ip', parseIp(address)?.text ?? address)
}

/** As Python's `repr`. */
export function reprField(value: FieldValue): string {
  if (value === null) return 'None'
  if (typeof value === 'string') return reprText(value)
  if (typeof value === 'number') return String(value)
  if (value instanceof Tuple) return tuple(value.items)
  if (isLines(value)) return `[${value.map(tuple).join(', ')}]`
  return `{${[...value].map(reprText).join(', ')}}`
}

/** As Python's `print`. */
export function printedField(value: FieldValue | undefined): string {
  return typeof value === 'string' ? value : reprField(value ?? null)
}

export function reprFields(fields: ReadonlyMap<string, FieldValue>): string {
  return `{${[...fields].map(([name, value]) => `${reprText(name)}: ${reprField(value)}`).join(', ')}}`
}

function isLines(value: ReadonlySet<string> | readonly LineParts[]): value is readonly LineParts[] {
  return Array.isArray(value)
}

const tuple = (items: readonly (string | null)[]): string =>
  `(${items.map((item) => (item === null ? 'None' : reprText(item))).join(', ')}${items.length === 1 ? ',' : ''})`
