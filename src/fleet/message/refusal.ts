import type { NodeName } from '../word.js'

/** Why a message was not opened. Codes are for counting; each comes with a sentence. */
export type MessageRefusal =
  | 'too-large'
  | 'malformed'
  | 'version'
  | 'unsigned'
  | 'foreign-subject'
  | 'unknown-node'
  | 'revoked-node'
  | 'not-an-operator'
  | 'signature'
  | 'before-epoch'

/** Told of a message as a whole: nothing in it is believed. */
export interface Refused {
  refused: MessageRefusal
  /** What we saw, as the end of a sentence. May hold hostile text. */
  detail: string
  /** Who it claims to be from, if that could be read; proven by nothing. */
  claimedNode: NodeName | undefined
}

export function refused(reason: MessageRefusal, detail: string, claimedNode?: NodeName): Refused {
  return { refused: reason, detail, claimedNode }
}
