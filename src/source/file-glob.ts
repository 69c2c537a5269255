import { existsSync, lstatSync, readdirSync } from 'node:fs'
import path from 'node:path'
import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'

export interface GlobOptions {
  /** A path, or a pattern with `*`, `?`, `[…]` as Python's `glob` has them: none crosses a slash, none matches a leading dot. */
  glob: string
  clock: Clock
  log: Log
  /** Called once for each file; for a plain path at once, whether it exists or not. */
  onFile(path: string): void
}

export interface GlobWatch {
  /** Files that were there at the start. */
  matches: number
  close(): void
}

/** New files that match are looked for so often: a log that is named by its date must not wait for a reload. */
const lookAgainMs = 2000
/** More files than this are not followed for one pattern: each costs a watch and a buffer. */
const filesMax = 1000

/** Tells of every file that matches the pattern, now and later. */
export function watchGlob(options: GlobOptions): GlobWatch {
  const { glob, clock, log, onFile } = options
  if (!hasMagic(glob)) {
    onFile(glob)
    return { matches: existsSync(glob) ? 1 : 0, close() {} }
  }
  const known = new Set<string>()
  let isFull = false
  const look = () => {
    for (const file of expandGlob(glob)) {
      if (known.has(file)) continue
      if (known.size >= filesMax) {
        if (!isFull)
          log.write(
            'WARNING',
            'filter',
            `More than ${filesMax} files match ${glob}; ${file} and others are not followed`,
          )
        isFull = true
        return
      }
      known.add(file)
      if (existsSync(file)) onFile(file)
      else log.write('WARNING', 'filter', `File ${file} is a dangling link, thus cannot be monitored`)
    }
  }
  let cancel = () => {}
  const again = () => {
    cancel = clock.after(lookAgainMs, () => {
      look()
      again()
    })
  }
  look()
  again()
  return { matches: known.size, close: () => cancel() }
}

/** All paths that match now, sorted; directories are no logs and are left out. */
export function expandGlob(glob: string): string[] {
  const isAbsolute = glob.startsWith('/')
  const steps = glob.split('/').filter(Boolean)
  let found = [isAbsolute ? '/' : '']
  for (const step of steps)
    found = found.flatMap((dir) => (hasMagic(step) ? entriesLike(dir, step) : [path.join(dir, step)]))
  return found.filter(isNoDirectory).sort()
}

function hasMagic(text: string): boolean {
  return /[*?[]/.test(text)
}

function entriesLike(dir: string, pattern: string): string[] {
  const matches = namePattern(pattern)
  try {
    return readdirSync(dir === '' ? '.' : dir)
      .filter((name) => (!name.startsWith('.') || pattern.startsWith('.')) && matches.test(name))
      .map((name) => path.join(dir, name))
  } catch {
    return [] // Not there, not a directory, or not for us to read: nothing matches.
  }
}

/** Python's fnmatch as a regular expression. NOTE: runs of `*` are made one, so that a pattern cannot backtrack for ages. */
function namePattern(pattern: string): RegExp {
  const source = pattern.replace(
    /\*+|\?|\[(!?)(\]?[^\]]*)\]|[\s\S]/g,
    (text, not: string | undefined, set: string | undefined) => {
      if (text.startsWith('*')) return '[^]*'
      if (text === '?') return '[^]'
      if (set !== undefined && set !== '') return `[${not ? '^' : ''}${set.replace(/[\\\]^[]/g, '\\$&')}]`
      return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
    },
  )
  return new RegExp(`^${source}$`, 'u')
}

function isNoDirectory(file: string): boolean {
  const found = existsSync(`${path.dirname(file)}/.`) ? lstatSync(file, { throwIfNoEntry: false }) : undefined
  return found !== undefined && !found.isDirectory()
}
