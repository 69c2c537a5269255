import type { JailConfig } from '../config/load.js'
import type { Scope } from '../domain/enforcer.js'
import type { Problem } from '../domain/origin.js'
import { scopeOf } from '../firewall/takeover.js'
import { IgnoreList, type IgnoreListOptions, parseIgnoreEntry } from '../jail/ignore-list.js'
import { Jail } from '../jail/jail.js'
import type { CompiledFilter } from '../match/filter.js'
import { compileFilter } from '../match/filter.js'

/** A jail with everything built that it needs to run. */
export interface JailUnit {
  name: string
  config: JailConfig
  jail: Jail
  filter: CompiledFilter
  ignored: IgnoreList
  scope: Scope
  /** What of its configuration we do not carry out, a sentence each. */
  notes: readonly string[]
}

export interface BuildContext {
  resolve: IgnoreListOptions['resolve']
  /** Whether this id is one of this machine's addresses. */
  isOwn(id: string): boolean
  log: import('../lib/log.js').Log
