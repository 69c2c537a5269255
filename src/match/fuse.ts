import { createContext, Script } from 'node:vm'

/**
 * Runs work that must not stall the daemon: a regular expression that backtracks without end on some line is stopped. Costs about 0.1 ms a call, so it goes around
 * a chunk of lines, not around one.
 */
export class Fuse {
  readonly #room: { task: () => void } = { task: () => {} }
  readonly #script = new Script('task()')
  readonly #context = createContext(this.#room)

  /**
   * Runs the task to its end and returns true, or stops it after `timeoutMs` and returns false. It is wall time: on a busy machine it may run out without
   * anybody's fault. What the task throws is thrown.
   */
  run(task: () => void, timeoutMs: number): boolean {
    this.#room.task = task
    try {
      this.#script.runInContext(this.#context, { timeout: Math.ceil(timeoutMs) })
      return true
    } catch (error) {
      if (isTimeout(error)) return false
      throw error
    } finally {
      this.#room.task = nothing
    }
  }
}

const nothing = () => {}

// NOTE: not `instanceof Error`, for it is an Error of the room's own.
const isTimeout = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
