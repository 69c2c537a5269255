import type { ActionSpec } from '../domain/action-spec.js'
import type { ChildOptions, ChildResult } from '../lib/child.js'
import type { OwnNames } from './own-names.js'
import type { TagSource } from './tag-source.js'

/** What an action may have something to say about. */
export type Occasion = 'start' | 'stop' | 'ban' | 'unban'

/** What happened to whom. */
export interface Notice {
  occasion: Occasion
  /** Undefined for `start` and `stop`. */
  tags: TagSource | undefined
}

export interface NoticeContext {
  jail: string
  names: OwnNames
  nowMs: number
  run(argv: readonly string[], options: ChildOptions): Promise<ChildResult>
  signal: AbortSignal
  sendmail?: readonly string[]
}

/** An action that tells somebody. */
export interface NoticeAction {
  name: string
  /** Says nothing of bans that were restored (`norestored`). */
  isSilentOnRestore: boolean
  speaksOf(occasion: Occasion): boolean
  /** Rejects with a sentence when it could not be told. */
  tell(notice: Notice, context: NoticeContext): Promise<void>
}

export function propertiesOf({ properties }: ActionSpec): ReadonlyMap<string, string> {
  return new Map(properties)
}

export function isYes(text: string | undefined): boolean {
  return /^(?:1|on|true|yes)$/i.test(text ?? '')
}
