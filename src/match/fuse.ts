import { createContext, Script } from 'node:vm'
import { SearchTooLong } from './dialect/machine.js'

/**
 * Runs work that must not stall the daemon: a regular expression that backtracks without end on some line is stopped. Costs about 0.1 ms a call, so it goes around
 * a chunk of lines, not around one.
 */
export class Fuse {
  readonly #room: { task: () => void } = { task: () => {} }
  readonly #script = new Script('task()')
  readonly #context = createContext(this.#room)
  readonly #cpuMs: () => number
  #spentMs = 0

  /** `cpuMs`: processor time of this thread so far; missing: that of the whole process, which is nearly the same. */
  constructor(cpuMs: () => number = processCpuMs) {
    this.#cpuMs = cpuMs
  }

  /** Processor time of the last run that was stopped. Much less than its time-out: the machine was busy, and nobody is to blame. Infinity: a search gave itself up. */
  get spentMs(): number {
    return this.#spentMs
  }

  /**
   * Runs the task to its end and returns true, or stops it after `timeoutMs` and returns false. It is wall time: on a busy machine it may run out without
   * anybody's fault, see `spentMs`. A search that gives itself up (SearchTooLong) counts as stopped; whatever else the task throws is thrown.
   */
  run(task: () => void, timeoutMs: number): boolean {
    let isDone = false
    this.#room.task = () => {
      task()
      isDone = true
    }
    const beganMs = this.#cpuMs()
    try {
      this.#script.runInContext(this.#context, { timeout: Math.ceil(timeoutMs) })
      return true
    } catch (error) {
      if (error instanceof SearchTooLong) this.#spentMs = Number.POSITIVE_INFINITY
      else if (isTimeout(error)) this.#spentMs = this.#cpuMs() - beganMs
      else throw error
      // Node looks at its watch once more when the task is over: on a busy machine it may have run out only then.
      return isDone
    } finally {
      this.#room.task = nothing
    }
  }
}

function processCpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

const nothing = () => {}

// NOTE: not `instanceof Error`, for it is an Error of the room's own.
const isTimeout = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'
