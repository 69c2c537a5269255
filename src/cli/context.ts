import { harmlessLines } from './render.js'

/** What a command gets: a place to print to, and the exit code to set. */
export interface Context {
  readonly process: {
    readonly stdout: { write(text: string): void }
    readonly stderr: { write(text: string): void }
    exitCode?: number | string | null
  }
}

/** Exit codes of our own commands; `--help` and docs/cli.md name them. */
export const exit = {
  ok: 0,
  /** It did not work: no daemon, not banned, refused. */
  failed: 1,
  /** The command line was not understood. */
  usage: 2,
  /** The configuration is wrong, or the daemon cannot start; Fail2ban's number. */
  config: 255,
} as const

/** Ends a command with this sentence on standard error. */
export class CommandFailure extends Error {
  readonly exitCode: number
  constructor(message: string, exitCode: number = exit.failed) {
    super(message)
    this.exitCode = exitCode
  }
}

export interface CommonFlags {
  config?: string
  json?: boolean
}

export function print(context: Context, text: string): void {
  context.process.stdout.write(`${text}\n`)
}

export function printJson(context: Context, value: unknown): void {
  print(context, harmlessLines(JSON.stringify(value, null, 2)))
}

export function warn(context: Context, text: string): void {
  context.process.stderr.write(`${text}\n`)
}
