import { type FieldValues, type LineState, place } from './field-table.js'

/** Sessions remembered. Full: the oldest is forgotten, its lines are no longer attached to a later failure. */
const sessionsMax = 100
/** From a session's first line; not prolonged by later ones. */
const lifetimeMs = 300_000
/** Lines kept for a session. Full: the oldest is dropped; tickets keep fewer anyway. */
const linesMax = 50

/** Lines that belong together (`<F-MLFID>`), merged (spec section 3.6). */
export interface Session {
  values: FieldValues
  /** User names that were tried; undefined: none yet. */
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

/** Sessions of one stream of lines by their id. */
export class Sessions {
  readonly #byId = new Map<string, Session>()
  /** The session of the last line, for lines of one often follow each other; undefined: it is not known. */
  #lastId = ''
  #last: Session | undefined

  /** Merges the fields of a line that matched into its session; `values` may become the session's. Changes `state` where the session overrules it. */
  merge(id: string, values: FieldValues, state: LineState, line: string, nowMs: number): Session {
    if (state.isGained) state.isNofail = true
    const user = values[place.user]
    const known = this.#get(id, nowMs)
    const session = known ?? newSession(values, nowMs)
    if (known !== undefined) {
      if (user) addUser(known, user)
      if (state.isGained) known.isPending = false
      // What was reported before is not reported again.
      if (!known.isNofail && !known.isPending && known.lines.length > 0) known.lines = []
      for (let i = 0; i < values.length; i++) if (values[i] !== undefined) known.values[i] = values[i]
      if (state.isForgotten) this.#delete(id)
    } else if (!state.isForgotten) {
      if (user) addUser(session, user)
      this.#set(id, session)
    }
    if (session.isPending || (session.users !== undefined && session.users.size > 1)) {
      state.isNofail = false
      state.isGained = false
    }
    session.isPending = false
    session.isNofail = state.isNofail
    keepLine(session, state, line)
    return session
  }

  #get(id: string, nowMs: number): Session | undefined {
    if (this.#lastId !== id) {
      this.#lastId = id
      this.#last = this.#byId.get(id)
    }
    const session = this.#last
    if (session === undefined || session.untilMs > nowMs) return session
    this.#delete(id)
    return undefined
  }

  #delete(id: string): void {
    this.#byId.delete(id)
    if (this.#lastId === id) this.#last = undefined
  }

  #set(id: string, session: Session): void {
    if (this.#byId.size >= sessionsMax) {
      const oldest = this.#byId.keys().next()
      if (!oldest.done) this.#delete(oldest.value)
    }
    this.#byId.set(id, session)
    if (this.#lastId === id) this.#last = session
  }
}

function newSession(values: FieldValues, nowMs: number): Session {
  return {
    values,
    users: undefined,
    isNofail: false,
    isPending: false,
    lines: [],
    earlierLines: [],
    untilMs: nowMs + lifetimeMs,
  }
}

function addUser(session: Session, user: string): void {
  if (session.users === undefined) session.users = new Set([user])
  // Beyond two it makes no difference any more.
  else if (session.users.size < usersMax) session.users.add(user)
}

const usersMax = 50

function keepLine(session: Session, state: LineState, line: string): void {
  if (state.isNofail) {
    if (!state.isForgotten) keep(session.earlierLines, line)
    return
  }
  if (session.earlierLines.length > 0) {
    session.lines = [...session.earlierLines, ...session.lines].slice(-linesMax)
    session.earlierLines = []
  }
  if (!state.isGained) keep(session.lines, line)
}

function keep(lines: string[], line: string): void {
  if (lines.length >= linesMax) lines.shift()
  lines.push(line)
}
