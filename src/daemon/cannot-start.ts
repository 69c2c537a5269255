import type { Problem } from '../domain/origin.js'

/** The daemon cannot start; nothing of it is left behind. */
export class CannotStart extends Error {
  readonly problems: readonly Problem[]
  constructor(message: string, problems: readonly Problem[] = []) {
    super(message)
    this.problems = problems
  }
}
