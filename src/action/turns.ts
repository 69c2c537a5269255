/** Children of all jails together. Fail2ban runs one at a time; more let a slow one delay nobody but its own jail. */
const childrenMaxUsual = 8

/**
 * When a command may run: at most so many at once in the whole daemon, those first that asked first. A jail runs one command after
 * the other, so what waits here is at most one command a jail, and no jail can crowd out another.
 */
export class Turns {
  readonly #childrenMax: number
  readonly #waiting: (() => void)[] = []
  readonly #last = new Map<string, Promise<void>>()
  #running = 0

  constructor(childrenMax = childrenMaxUsual) {
    this.#childrenMax = childrenMax
  }

  /** Runs the task as soon as fewer than the most are running. */
  async child<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#childrenMax) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running++
    try {
      return await task()
    } finally {
      // The place is handed on, so nobody who comes now can take it first.
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }

  /**
   * Runs the task while no other task holds any of these keys. All keys are asked for at once and served in the order of asking, so
   * two tasks can never wait for each other.
   */
  async alone<T>(keys: readonly string[], task: () => Promise<T>): Promise<T> {
    if (keys.length === 0) return task()
    const before = keys.map((key) => this.#last.get(key))
    let release = () => {}
    const mine = new Promise<void>((resolve) => {
      release = resolve
    })
    for (const key of keys) this.#last.set(key, mine)
    try {
      await Promise.all(before)
      return await task()
    } finally {
      for (const key of keys) if (this.#last.get(key) === mine) this.#last.delete(key)
      release()
    }
  }
}
