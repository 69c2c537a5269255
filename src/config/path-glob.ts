import { existsSync, lstatSync, readdirSync } from 'node:fs'

/** Beyond this many paths the rest is left out: `-d` prints a line for each. */
const pathsMax = 10_000

/**
 * The paths that match, as Python's `glob.glob` finds them (`*`, `?`, `[…]` in each part; no `**`, no hidden files unless
 * asked for), sorted. Dangling links are included: the caller tells of them.
 */
export function pathsMatching(pattern: string): string[] {
  const isAbsolute = pattern.startsWith('/')
  const parts = pattern.split('/').filter((part) => part !== '')
  let found = [isAbsolute ? '/' : '']
  for (const [at, part] of parts.entries()) {
    const isLast = at === parts.length - 1
    found = found.flatMap((dir) => entriesMatching(dir, part, isLast)).slice(0, pathsMax)
  }
  return parts.length === 0 ? [] : found
}

function entriesMatching(dir: string, part: string, isLast: boolean): string[] {
  const inDir = (name: string) => (dir === '' || dir.endsWith('/') ? dir + name : `${dir}/${name}`)
  if (!/[*?[]/.test(part)) {
    const path = inDir(part)
    const exists = isLast ? lstatSync(path, { throwIfNoEntry: false }) !== undefined : existsSync(path)
    return exists ? [path] : []
  }
  const matches = patternOf(part)
  const names = namesIn(dir === '' ? '.' : dir).filter((name) => matches.test(name))
  return names.filter((name) => part.startsWith('.') || !name.startsWith('.')).map(inDir)
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  } catch {
    // Not a directory, or not ours to read: nothing matches inside, which is what the caller reports.
    return []
  }
}

function patternOf(part: string): RegExp {
  let source = ''
  for (let at = 0; at < part.length; at++) {
    const one = part.charAt(at)
    const set = one === '[' ? /^\[(?:(!)|(?!!))(.[^\]]*)\]/s.exec(part.slice(at)) : null
    if (one === '*') source += '.*'
    else if (one === '?') source += '.'
    else if (set) {
      source += setOf(set[1] === '!', set[2] ?? '')
      at += set[0].length - 1
    } else source += one.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  }
  return new RegExp(`^${source}$`, 's')
}

const anything = '.'
const nothing = '(?!)'

/** A range that runs backwards matches nothing, as in Python. */
function setOf(isNegated: boolean, members: string): string {
  const forwards = members.replace(/(.)-(.)/gs, (range, from: string, to: string) => (from > to ? '' : range))
  if (forwards === '') return isNegated ? anything : nothing
  return `[${isNegated ? '^' : ''}${forwards.replace(/[\\\]^[]/g, '\\$&')}]`
}
