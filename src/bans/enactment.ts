export interface EnactOptions {
  /** In spite of a protection. */
  force: boolean
  /** For exactly the time it says: somebody has named it. */
  exact?: boolean
  /**
   * It is in force elsewhere already, or somebody has said that it is right: the jail's budget is not asked. There may be very many of
   * them: all are enforced before anybody is told of the first, and of what has led to each only `lines` is kept.
   */
  isSettled?: boolean
  /** A drill: nobody is told of it or of its end, it is not kept over a restart, and counts for nothing. */
  isDrill?: boolean
}

/** What became of a wish to ban. */
export type Enactment =
  | { kind: 'enacted' }
  /** Was banned already and now ends later. */
  | { kind: 'extended' }
  | { kind: 'already'; untilMs: number }
  /** Its end is already past. */
  | { kind: 'expired' }
  /** `canForce`: a protection, which an operator may override. */
  | { kind: 'refused'; reason: string; canForce: boolean }
  /** The jail bans too much at once. */
  | { kind: 'held'; reason: string }
