import { type FSWatcher, realpathSync } from 'node:fs'
import type { Clock } from '../lib/clock.js'
import { type Change, isWatchLimit, PathWatch, watchDescriptor } from './path-watch.js'

/** With watches, how often we look without being told: changes to links on the way, mounts, lost events. */
const safetyPollMs = 1000
/** Without watches. */
const pollMs = 200

export interface WakeUpsOptions {
  path: string
  clock: Clock
  onWake(change: Change): void
  /** Watching is given up for polling; a sentence for the operator. */
  onPolling(text: string): void
}

/** Says when to look at a log: by inotify and a slow poll, or by polling alone. */
export class WakeUps {
  readonly #options: WakeUpsOptions
  readonly #nameWatch: PathWatch
  /** Watches the directory of the file itself where `path` leads over symbolic links. */
  #targetWatch: PathWatch | undefined
  readonly #fileWatches = new Map<number, FSWatcher>()
  #isPolling = false
  #cancelTimer = () => {}
  #isClosed = false

  constructor(options: WakeUpsOptions) {
    this.#options = options
    this.#nameWatch = this.#pathWatch(options.path)
  }

  start(isPolling: boolean): void {
    if (this.#isClosed) return
    this.#isPolling = isPolling
    this.rearm()
    this.#setTimer()
  }

  /** Directories and links may have changed: watch what has to be watched now. */
  rearm(): void {
    if (this.#isPolling || this.#isClosed) return
    this.#nameWatch.rearm()
    const target = realPath(this.#options.path)
    if (target !== this.#targetWatch?.path) {
      this.#targetWatch?.close()
      this.#targetWatch = target === undefined || target === this.#options.path ? undefined : this.#pathWatch(target)
    }
    this.#targetWatch?.rearm()
  }

  /** Before the first read, so that no write falls between. */
  watchFile(fd: number): void {
    if (this.#isPolling || this.#isClosed) return
    const watcher = watchDescriptor(fd, () => this.#options.onWake('content'))
    if (watcher !== undefined) this.#fileWatches.set(fd, watcher)
  }

  /** Before `fd` is closed: its number may be another file's the next moment. */
  unwatchFile(fd: number): void {
    this.#fileWatches.get(fd)?.close()
    this.#fileWatches.delete(fd)
  }

  usePolling(text: string): void {
    if (this.#isPolling || this.#isClosed) return
    this.#isPolling = true
    this.#closeWatches()
    this.#cancelTimer()
    this.#setTimer()
    this.#options.onPolling(text)
  }

  close(): void {
    this.#isClosed = true
    this.#cancelTimer()
    this.#closeWatches()
  }

  #setTimer(): void {
    this.#cancelTimer = this.#options.clock.after(this.#isPolling ? pollMs : safetyPollMs, () => {
      this.#setTimer()
      this.#options.onWake('name')
    })
  }

  #pathWatch(path: string): PathWatch {
    return new PathWatch({
      path,
      onChange: (change) => {
        // The watch on the file itself tells of writes, too; once is enough.
        if (change === 'name' || this.#fileWatches.size === 0) this.#options.onWake(change)
      },
      onFailure: (error) => this.usePolling(pollingSentence(path, error)),
    })
  }

  #closeWatches(): void {
    this.#nameWatch.close()
    this.#targetWatch?.close()
    for (const watcher of this.#fileWatches.values()) watcher.close()
    this.#fileWatches.clear()
  }
}

function pollingSentence(path: string, error: NodeJS.ErrnoException): string {
  const hint = isWatchLimit(error)
    ? '; raise fs.inotify.max_user_watches, fs.inotify.max_user_instances or the limit of open files'
    : ''
  return `Cannot watch the directory of ${path} (${error.message}), so it is polled every ${pollMs} ms${hint}`
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path)
  } catch {
    return undefined
  }
}
