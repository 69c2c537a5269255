import type { Origin } from '../domain/origin.js'

/** Where a jail's lines come from. */
export type SourceSpec =
  | {
      kind: 'files'
      paths: readonly LogPath[]
      /** `auto`: the locale's, in practice UTF-8. */
      encoding: string
      polling: boolean
    }
  | {
      kind: 'journal'
      /** Lines of `journalmatch`, `+` is OR. */
      matches: readonly string[]
      options: Readonly<Record<string, string>>
    }
  | {
      /** `backend = bans`: no lines at all, but this machine's bans. */
      kind: 'bans'
      /** Whose bans do not count. */
      ignorejails: readonly string[]
    }
  | {
      /** `backend = fleet`: what other nodes tell. */
      kind: 'fleet'
      minNodes: number
      minPerNode: number
      /** Whose failures count; undefined: those of all jails. */
      jails: readonly string[] | undefined
    }
  | { kind: 'none' }

/** One line of `logpath`: a path or a glob, not yet expanded. */
export interface LogPath {
  glob: string
  /** `tail`: only what is written from now on; `head`: from the stored position, else from the first line inside the find time. */
  start: 'head' | 'tail'
  origin: Origin
}
