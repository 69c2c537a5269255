import { nowhere, type Sourced } from '../domain/origin.js'
import type { LogPath, SourceSpec } from '../source/source-spec.js'
import { jailNames } from './jail-sections.js'
import type { JailValues } from './jail-values.js'
import { type MergedIni, tracedOf, type Value } from './merged-ini.js'
import { nearest } from './nearest.js'
import { parseOptionList } from './option-list.js'
import { shellWords } from './shell-words.js'
import { linesOf } from './traced.js'

/** Where the jail's lines come from (spec 1.12). Globs stay globs, and a file that is not there is no error. */
export function sourceSpec(values: JailValues, filterOptions: ReadonlyMap<string, Value>): SourceSpec {
  const backend = values.text('backend') ?? 'auto'
  if (backend === 'bans') {
    return { kind: 'bans', ignorejails: values.words('ignorejails').map(({ value }) => value) }
  }
  if (backend === 'fleet') {
    const jails = values.words('jails').map(({ value }) => value)
    return {
      kind: 'fleet',
      minNodes: values.count('minnodes', 1, 1),
      minPerNode: values.count('minpernode', 1, 1),
      jails: jails.length > 0 ? jails : undefined,
    }
  }
  if (backend.startsWith('systemd')) return journal(backend, values, filterOptions)
  if (!['auto', 'polling', 'pyinotify'].includes(backend)) {
    values.wrong('backend', 'is not known', 'use auto, polling, pyinotify, systemd, bans or fleet')
  }
  const paths = linesOf(values.written('logpath') ?? { text: '', marks: [] }).flatMap(
    (line) => logPath(line, values) ?? [],
  )
  if (paths.length === 0) return { kind: 'none' }
  return { kind: 'files', paths, encoding: values.text('logencoding') ?? 'auto', polling: backend === 'polling' }
}

function journal(backend: string, values: JailValues, filterOptions: ReadonlyMap<string, Value>): SourceSpec {
  const list = parseOptionList(backend)
  if ('wrong' in list) values.wrong('backend', list.wrong, 'write systemd[journalflags=1], for example')
  const options = 'wrong' in list ? {} : Object.fromEntries(list.options)
  const written = filterOptions.get('journalmatch')
  const matches = written === undefined ? [] : linesOf(tracedOf(written, nowhere))
  for (const { value, origin } of matches) {
    if (shellWords(value)) continue
    values.fail(`journalmatch "${value}" has an open quote`, origin, 'close the quote, or put a backslash before it')
  }
  return { kind: 'journal', matches: matches.map(({ value }) => value), options }
}

function logPath({ value, origin }: Sourced, values: JailValues): LogPath | undefined {
  const [, path = '', start = 'head'] = /^(.*?)(?:\s+(\S*))?$/s.exec(value.trim()) ?? []
  const word = start.toLowerCase()
  if (word === 'head' || word === 'tail') return { glob: path.trim(), start: word, origin }
  values.fail(
    `logpath "${value}" ends in "${start}", which is neither head nor tail`,
    origin,
    'a path cannot hold blanks',
  )
  return undefined
}

/** The journal, for a jail that may turn to it when none of its files exists. */
export function sourceWithoutFiles(
  values: JailValues,
  filterOptions: ReadonlyMap<string, Value>,
  source: SourceSpec,
): SourceSpec | undefined {
  const backend = values.text('backend') ?? 'auto'
  // NOTE: only a journalmatch of the jail counts, even an empty one; that of the filter does not (spec 1.12).
  const mayChange = backend.startsWith('auto') && values.flag('systemd_if_nologs') !== false
  if (source.kind === 'journal' || !mayChange || values.option('journalmatch') === undefined) return undefined
  return journal('systemd', values, filterOptions)
}

/** A misspelled name in `ignorejails` would let those bans count after all. Bans by hand are in a jail named `manual`. */
export function warnOfUnknownJails(values: JailValues, ini: MergedIni): void {
  const known = new Set([...jailNames(ini), 'manual'])
  for (const { value, origin } of values.words('ignorejails')) {
    const meant = known.has(value) ? undefined : nearest(value, known)
    const hint = meant === undefined ? 'write names of jails, with blanks between them' : `did you mean "${meant}"?`
    if (!known.has(value)) values.warn(`ignorejails names "${value}", which is no jail`, origin, hint)
  }
}
