import type { Flags } from './flags.js'
import { PatternReader } from './reader.js'

/** What is known while a pattern is read. */
export interface ParseState {
  reader: PatternReader
  /** Flags of the pattern as a whole. */
  flags: Flags
  /** Groups opened so far; their numbers are 1 to this. */
  groups: number
  names: Map<string, number>
  openGroups: Set<number>
  /** Number of the last group before the outermost lookbehind that is open; undefined: none is. */
  groupsBeforeLookbehind: number | undefined
  /** Where groups are named by number in conditions, which may come before the group. */
  numbersUsed: Map<number, number>
  /** Throws when the group cannot be referred to from here. */
  checkReference(group: number, back: number): void
  checkLookbehind(group: number): void
  closeLook(restore: { groupsBeforeLookbehind: number | undefined }): void
}

export function startState(pattern: string, multiline: boolean): ParseState {
  return {
    reader: new PatternReader(pattern),
    flags: { ignoreCase: false, multiline, dotAll: false, verbose: false, ascii: false },
    groups: 0,
    names: new Map(),
    openGroups: new Set(),
    groupsBeforeLookbehind: undefined,
    numbersUsed: new Map(),
    checkReference(group, back) {
      if (this.openGroups.has(group)) throw this.reader.error('cannot refer to an open group', back)
      this.checkLookbehind(group)
    },
    checkLookbehind(group) {
      if (this.groupsBeforeLookbehind === undefined) return
      if (this.openGroups.has(group)) throw this.reader.error('cannot refer to an open group')
      if (group > this.groupsBeforeLookbehind) {
        throw this.reader.error('cannot refer to group defined in the same lookbehind subpattern')
      }
    },
    closeLook(restore) {
      this.groupsBeforeLookbehind = restore.groupsBeforeLookbehind
    },
  }
}
