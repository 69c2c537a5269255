import { keepNewest } from '../lib/keep-newest.js'
import { type FieldValues, type LineState, place, wellKnownCount } from './field-table.js'
import type { MatchFields } from './match-fields.js'
import { ownCopy } from './own-copy.js'

/** Sessions remembered. Full: the oldest is forgotten, its lines are no longer attached to a later failure. */
const sessionsMax = 100
/** From a session's first line; not prolonged by later ones. */
const lifetimeMs = 300_000
/** Lines kept for a session. Full: the oldest is dropped; tickets keep fewer anyway. */
const linesMax = 50

/** Lines that belong together (`<F-MLFID>`), merged (spec section 3.6). */
export interface Session {
  readonly id: string
  values: FieldValues
  /** The first user name that was tried; undefined: none yet. */
  user: string | undefined
  /** All of them, once there is a second one. */
  users: Set<string> | undefined
  /** The state of the last line: it was of no failure. */
  isNofail: boolean
  /** A failure that waits for a line which names an address. */
  isPending: boolean
  /** What is reported: lines of failures, and of what led to them. Whoever is told may keep the list: it is not changed any more after that. */
  lines: string[]
  /** Lines of no failure yet. */
  earlierLines: string[]
  untilMs: number
}

/** A line, or several, that a pattern matched. Copied only when it is to be kept. */
export interface LineText {
  full(): string
}

/** Sessions of one stream of lines by their id. */
export class Sessions {
  readonly #byId = new Map<string, Session>()
  /** The one of the last line, for lines of one session often follow each other. */
  #last: Session | undefined
  readonly #isThorough: boolean
  readonly #isBrief: boolean

  /**
   * `isThorough`: merges also what cannot become part of a failure any more, for tools that show how a filter works. `isBrief`: keeps no lines, and of the
   * fields only those that say who it was.
   */
  constructor({ isThorough, isBrief }: { isThorough: boolean; isBrief: boolean }) {
    this.#isThorough = isThorough
    this.#isBrief = isBrief
  }

  /**
   * Merges the fields of a line that matched into its session. Changes their `state` where the session overrules it. Undefined: the line
   * is the last one of its session and no failure, so that nobody will ask for any of it; a tenth of the lines of a busy sshd.
   */
  merge(id: string, fields: MatchFields, line: LineText, nowMs: number): Session | undefined {
    const { values, state } = fields
    if (state.isGained) state.isNofail = true
    const user = values[place.user]
    const known = this.#get(id, nowMs)
    if (known !== undefined) {
      if (user) addUser(known, user)
      if (state.isGained) known.isPending = false
      // What was reported before is not reported again.
      if (!known.isNofail && !known.isPending && known.lines.length > 0) known.lines = none
      if (state.isForgotten) this.#delete(known)
    }
    if (known !== undefined && (known.isPending || known.users !== undefined)) {
      state.isNofail = false
      state.isGained = false
    }
    if (state.isNofail && state.isForgotten && !this.#isThorough) return undefined
    const fieldCount = this.#isBrief ? wellKnownCount : values.length
    const session = known ?? this.#open(id, fieldCount, state, nowMs)
    if (known === undefined && user && !state.isForgotten) addUser(session, user)
    fields.copyKeptOver(session.values)
    session.isPending = false
    session.isNofail = state.isNofail
    if (!this.#isBrief) keepLine(session, state, line)
    return session
  }

  #get(id: string, nowMs: number): Session | undefined {
    const session = this.#last?.id === id ? this.#last : this.#byId.get(id)
    this.#last = session
    if (session === undefined || session.untilMs > nowMs) return session
    this.#delete(session)
    return undefined
  }

  #delete(session: Session): void {
    this.#byId.delete(session.id)
    if (this.#last === session) this.#last = undefined
  }

  /** A new session, remembered unless its first line is also its last. */
  #open(windowId: string, fields: number, state: LineState, nowMs: number): Session {
    const session = newSession(ownCopy(windowId), fields, nowMs)
    if (state.isForgotten) return session
    this.#byId.set(session.id, session)
    keepNewest(this.#byId, sessionsMax)
    this.#last = session
    return session
  }
}

/** User names that were tried. */
export const usersOf = ({ user, users }: Session): ReadonlySet<string> =>
  users ?? new Set(user === undefined ? [] : [user])

function newSession(id: string, fields: number, nowMs: number): Session {
  const values: FieldValues = new Array<string | undefined>(fields)
  for (let i = 0; i < fields; i++) values[i] = undefined
  values[place.mlfid] = id
  return {
    id,
    values,
    user: undefined,
    users: undefined,
    isNofail: false,
    isPending: false,
    lines: none,
    earlierLines: none,
    untilMs: nowMs + lifetimeMs,
  }
}

function addUser(session: Session, user: string): void {
  if (session.user === undefined) session.user = ownCopy(user)
  else if (session.users !== undefined) {
    // Beyond two it makes no difference any more.
    if (session.users.size < usersMax && !session.users.has(user)) session.users.add(ownCopy(user))
  } else if (session.user !== user) session.users = new Set([session.user, ownCopy(user)])
}

const usersMax = 50

function keepLine(session: Session, state: LineState, line: LineText): void {
  if (state.isNofail) {
    if (!state.isForgotten) session.earlierLines = kept(session.earlierLines, line)
    return
  }
  if (session.earlierLines.length > 0) {
    session.lines =
      session.lines.length === 0 ? session.earlierLines : [...session.earlierLines, ...session.lines].slice(-linesMax)
    session.earlierLines = none
  }
  if (!state.isGained) session.lines = kept(session.lines, line)
}

/** The lines and one more. NOTE: an array that is pushed to takes room for 17; sessions have two or three lines, and there are many sessions. */
function kept(lines: string[], line: LineText): string[] {
  const all = lines.length === 0 ? [line.full()] : [...lines, line.full()]
  if (all.length > linesMax) all.shift()
  return all
}

/** Shared, and never changed. */
const none: string[] = []
