import { existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Origin } from '../domain/origin.js'
import { messageOf } from '../lib/error-message.js'
import { readPlainFile } from '../lib/plain-file.js'
import { reprText } from '../lib/python-text.js'
import { ConfigError } from './config-error.js'
import { type IniFile, parseIni } from './ini.js'
import { MergedIni } from './merged-ini.js'
import type { Say } from './typed-options.js'
import { decodeUtf8 } from './utf8.js'

/** A file beyond this size is no configuration; it is refused, not cut. */
const fileBytesMax = 16 << 20

/**
 * The files that make up `base` (`jail`, `filter.d/sshd`), before includes: N.conf, N.d/*.conf, N.local, N.d/*.local,
 * as far as they exist (spec 1.1).
 */
function filesOf(dir: string, base: string): string[] {
  const stem = path.isAbsolute(base) ? base : `${dir}/${base}`
  const files = [`${stem}.conf`, ...dropIns(`${stem}.d`, '.conf'), `${stem}.local`, ...dropIns(`${stem}.d`, '.local')]
  return files.filter((file) => existsSync(file))
}

function dropIns(dir: string, extension: string): string[] {
  let names: string[]
  try {
    names = readdirSync(dir)
  } catch {
    // No such directory is the normal case; one that cannot be listed has no files for Fail2ban either.
    return []
  }
  const files = names.filter((name) => name.endsWith(extension) && !name.startsWith('.'))
  return files.sort(byCodePoint).map((name) => `${dir}/${name}`)
}

function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** The base name of a filter or action; `./x` is meant from where we stand, not from the configuration directory. */
export function baseOf(folder: 'filter.d' | 'action.d', name: string): string {
  const file = name.startsWith('./') ? path.resolve(name) : name
  return path.isAbsolute(file) ? file : `${folder}/${file}`
}

/** Files that include one another deeper than this form a circle of ever new names (`../x/../x`). */
const includesDepthMax = 100

/** What became of one base name. */
export type Reading =
  | { kind: 'read'; ini: MergedIni; files: readonly string[] }
  | { kind: 'missing' }
  | { kind: 'unreadable'; files: readonly string[]; errors: readonly ConfigError[] }

/** Reads configuration files with what they include, each once. */
export class ConfigFiles {
  readonly dir: string
  /** Every error of files that are not of the dialect; the first of each file is also thrown at every use of it. */
  readonly errors: ConfigError[] = []
  /** Files that are there and cannot be read. One that is merely included is left out, as Fail2ban does. */
  readonly unreadable = new Map<string, ConfigError>()
  readonly #parsed = new Map<string, IniFile | undefined>()
  readonly #broken = new Map<string, ConfigError>()
  readonly #included = new Map<string, readonly string[]>()
  readonly #readings = new Map<string, Reading>()

  constructor(dir: string) {
    this.dir = dir.replace(/\/+$/, '') || '/'
  }

  get exists(): boolean {
    return existsSync(this.dir)
  }

  /** Names of the filters or actions there are. */
  names(folder: 'filter.d' | 'action.d'): string[] {
    return dropIns(`${this.dir}/${folder}`, '.conf').map((file) => path.basename(file, '.conf'))
  }

  /**
   * Throws ConfigError for a file that is not of the dialect. What Fail2ban's client would say about missing and
   * unreadable files is said at the first call.
   */
  read(base: string, say: Say): Reading {
    const known = this.#readings.get(base)
    if (known) return known
    const before = this.unreadable.size
    const reading = this.#read(base)
    this.#readings.set(base, reading)
    if (reading.kind === 'missing') {
      say('ERROR', 'configreader', `Found no accessible config files for ${reprText(base)} under ${this.dir}`)
    }
    for (const error of [...this.unreadable.values()].slice(before)) {
      if (error.peerText.startsWith('Error decoding')) say('ERROR', 'configparserinc', error.peerText)
    }
    if (reading.kind === 'unreadable') {
      say('ERROR', 'configreader', `Could not read config files: ${reading.files.join(', ')}`)
    }
    return reading
  }

  /** This one file with what it includes, whatever it is called. Throws ConfigError for a file that is not of the dialect. */
  readExplicit(file: string): Reading {
    return this.#readFiles(existsSync(file) ? [file] : [])
  }

  #read(base: string): Reading {
    return this.#readFiles(filesOf(this.dir, base))
  }

  #readFiles(top: readonly string[]): Reading {
    if (top.length === 0) return { kind: 'missing' }
    const files = this.#withIncludes(top, [])
    const ini = new MergedIni()
    for (const file of files) {
      const parsed = this.#parse(file)
      if (parsed) ini.add(parsed)
    }
    const bad = top.filter((file) => this.unreadable.has(file))
    const errors = bad.flatMap((file) => this.unreadable.get(file) ?? [])
    return bad.length > 0 ? { kind: 'unreadable', files: bad, errors } : { kind: 'read', ini, files }
  }

  /** Every file in the order of merging: `before`, the file, `after`; each with its `.local` behind it (spec 1.3). */
  #withIncludes(listed: readonly string[], path: readonly string[]): readonly string[] {
    const files = listed.flatMap((file) => withLocal(file, listed))
    const key = files.join('\n')
    const known = this.#included.get(key)
    if (known) return known
    const all = files.flatMap((file) => this.#expand(file, path))
    this.#included.set(key, all)
    return all
  }

  #expand(file: string, path: readonly string[]): readonly string[] {
    if (path.length > includesDepthMax) {
      const hint = 'look for files that include each other by way of ".."'
      throw new ConfigError(`[INCLUDES] lead deeper than ${includesDepthMax} files`, {
        origin: { file, line: 0 },
        hint,
      })
    }
    const ini = this.#parse(file)
    if (ini === undefined) return []
    const single = new MergedIni()
    single.add(ini)
    if (!single.sections.has('INCLUDES')) return [file]
    const included = (option: string) =>
      (single.get('INCLUDES', option)?.text ?? '')
        .split('\n')
        .filter((name) => name !== '')
        .map((name) => beside(file, name))
        // A file on the way to here is not read again: that would be a circle.
        .flatMap((name) => (path.includes(name) ? [] : this.#withIncludes([name], [...path, file])))
    return [...included('before'), file, ...included('after')]
  }

  /** Undefined: missing, or not readable (then noted). Throws the first error of a file that is not of the dialect. */
  #parse(file: string): IniFile | undefined {
    const broken = this.#broken.get(file)
    if (broken) throw broken
    if (this.#parsed.has(file)) return this.#parsed.get(file)
    const text = this.#load(file)
    if (text === undefined) {
      this.#parsed.set(file, undefined)
      return undefined
    }
    const { ini, errors } = parseIni(text, file)
    this.errors.push(...errors)
    if (errors[0]) {
      this.#broken.set(file, errors[0])
      throw errors[0]
    }
    this.#parsed.set(file, ini)
    return ini
  }

  #load(file: string): string | undefined {
    const origin: Origin = { file, line: 0 }
    try {
      const { text, error } = decodeUtf8(readPlainFile(file, { bytesMax: fileBytesMax }), file)
      return error ? this.#refuse(file, error) : text
    } catch (cause) {
      if (isMissing(cause)) return undefined
      const isOfSystem = cause instanceof Error && 'code' in cause
      const message = isOfSystem ? `cannot read ${file}: ${cause.message}` : messageOf(cause)
      return this.#refuse(file, new ConfigError(message, { origin, cause, ...(isOfSystem && { peerText: '' }) }))
    }
  }

  #refuse(file: string, error: ConfigError): undefined {
    this.unreadable.set(file, error)
  }
}

function withLocal(file: string, listed: readonly string[]): string[] {
  const local = path.join(path.dirname(file), `${path.parse(file).name}.local`)
  return !listed.includes(local) && isFile(local) ? [file, local] : [file]
}

/** As Python's os.path.join: nothing is normalised, because circles are found by comparing texts. */
function beside(file: string, name: string): string {
  return path.isAbsolute(name) ? name : `${path.dirname(file)}/${name}`
}

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ?? false
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}
