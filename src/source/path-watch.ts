import { type FSWatcher, statSync, watch } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** `name`: something came, went or was renamed; `content`: something was written, or its permissions changed. */
export type Change = 'name' | 'content'

export interface PathWatchOptions {
  path: string
  onChange(change: Change): void
  /** No watch can be had (limit reached, directory not readable). Nothing is watched any more. */
  onFailure(error: NodeJS.ErrnoException): void
}

/**
 * Tells when the name `path` begins to mean something else: watches its directory, or, as long as that does not exist, the
 * nearest directory above it that does.
 */
export class PathWatch {
  readonly #options: PathWatchOptions
  #watcher: FSWatcher | undefined
  #watched = ''

  constructor(options: PathWatchOptions) {
    this.#options = options
  }

  get path(): string {
    return this.#options.path
  }

  /** Makes sure that the right directory is watched: after each change, and now and then (a parent may have been replaced). */
  rearm(): void {
    // A directory may appear while the one above it is being watched; each round comes a level nearer. Bounded all the same.
    for (let round = 0; round < 16; round++) {
      const { directory, awaited, identity } = nearestDirectory(this.#options.path)
      if (identity === this.#watched) return
      this.close()
      const watcher = watchOrFail(
        directory,
        (event, name) => this.#changed(event, name, awaited),
        this.#options.onFailure,
      )
      if (watcher === undefined) return
      this.#watcher = watcher
      this.#watched = identity
    }
  }

  close(): void {
    this.#watcher?.close()
    this.#watcher = undefined
    this.#watched = ''
  }

  #changed(event: string, name: string | null, awaited: string): void {
    const isOurs = name === null || name === awaited
    if (event === 'change') {
      if (isOurs) this.#options.onChange('content')
      return
    }
    // NOTE: a directory that is itself moved or deleted is told under its own name.
    if (isOurs || name === basename(dirname(this.#options.path))) this.#options.onChange('name')
  }
}

/** Watches the inode behind an open descriptor, whatever its name is or becomes. Undefined when that cannot be. */
export function watchDescriptor(fd: number, onWrite: () => void): FSWatcher | undefined {
  return watchOrFail(`/proc/self/fd/${fd}`, onWrite, () => {})
}

/** The watch limits of this machine or process are used up: fs.inotify.max_user_watches, max_user_instances, open files. */
export function isWatchLimit(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ENOSPC' || error.code === 'EMFILE' || error.code === 'ENFILE'
}

function watchOrFail(
  path: string,
  listener: (event: string, name: string | null) => void,
  onFailure: (error: NodeJS.ErrnoException) => void,
): FSWatcher | undefined {
  try {
    const watcher = watch(path, listener)
    watcher.on('error', (error) => {
      watcher.close()
      onFailure(error)
    })
    return watcher
  } catch (error) {
    // ENOENT: it went away this moment; the slow poll looks again.
    if (isErrno(error) && error.code !== 'ENOENT') onFailure(error)
    return undefined
  }
}

function isErrno(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error
}

/** Where to wait for `path`, for which name there, and which directory that is (a path may come to mean another one). */
function nearestDirectory(path: string): { directory: string; awaited: string; identity: string } {
  const directory = dirname(path)
  try {
    const { dev, ino, birthtimeNs } = statSync(directory, { bigint: true })
    return { directory, awaited: basename(path), identity: join(`${dev}:${ino}:${birthtimeNs}`, basename(path)) }
  } catch (error) {
    if (directory === path) throw error
    return nearestDirectory(directory)
  }
}
