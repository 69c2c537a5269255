import assert from 'node:assert/strict'
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { messageOf } from './error-message.js'

/** How a child is run. */
export interface ChildOptions {
  /** Written to its standard input, which is then closed; without it the child reads an end of file. */
  stdin?: string
  /** After this many milliseconds the child and everything in its process group is killed. */
  timeoutMs: number
  /** Bytes kept of stdout and of stderr, each; 1 MiB when missing. What is beyond is read and dropped. */
  outputBytesMax?: number
  /** The whole environment; ours when missing. */
  env?: Readonly<Record<string, string | undefined>>
  cwd?: string
  /** Kills the group like a timeout, without `timedOut`. */
  signal?: AbortSignal
}

/** What became of a child. */
export interface ChildResult {
  /** Undefined when a signal ended it. 127: it could not be started; 126: we may not start it. */
  exitCode: number | undefined
  signal?: string
  /** Read as UTF-8, invalid bytes as U+FFFD. */
  stdout: string
  stderr: string
  timedOut: boolean
}

/** Between SIGTERM and SIGKILL. */
const killGraceMs = 200
/** A grandchild in the background may hold our pipes open for ever; this long after the child's exit they are closed. */
const pipeGraceMs = 200
const timerDelayMsMax = 0x7fffffff

/**
 * Runs a program, without a shell, as leader of its own process group, and waits for its end. Never rejects: what goes
 * wrong is in the result, with a sentence in `stderr` when the program could not be started.
 */
export async function runChild(argv: readonly string[], options: ChildOptions): Promise<ChildResult> {
  const [file, ...args] = argv
  assert(file !== undefined, 'a child needs a program')
  if (options.signal?.aborted) return { ...notStarted(file, 'aborted'), exitCode: undefined, signal: 'SIGTERM' }
  try {
    const child = spawn(file, args, {
      stdio: 'pipe',
      detached: true,
      cwd: options.cwd,
      env: options.env ?? process.env,
    })
    return await watch(child, file, options)
  } catch (error) {
    // NOTE: an argument with a NUL, or a list that is too long, throws here; a missing file comes as an event.
    return notStarted(file, error)
  }
}

async function watch(child: ChildProcessWithoutNullStreams, file: string, options: ChildOptions): Promise<ChildResult> {
  const bytesMax = options.outputBytesMax ?? 1 << 20
  const stdout = collect(child.stdout, bytesMax)
  const stderr = collect(child.stderr, bytesMax)
  feed(child, options.stdin)
  const group = new ProcessGroup(child.pid)
  let timedOut = false
  const timer = setTimeout(
    () => {
      timedOut = true
      group.end()
    },
    Math.min(options.timeoutMs, timerDelayMsMax),
  )
  const abort = () => group.end()
  options.signal?.addEventListener('abort', abort, { once: true })
  const end = await endOf(child, file, stderr, group)
  clearTimeout(timer)
  options.signal?.removeEventListener('abort', abort)
  return { ...end, stdout: stdout(), timedOut }
}

/** How a child is run that goes on until it is stopped. */
export interface RunningChildOptions {
  /** Gets what it prints, as it comes. Not called any more once `stop` was. */
  onStdout(piece: Buffer): void
  /** The whole environment; ours when missing. */
  env?: Readonly<Record<string, string | undefined>>
}

export interface RunningChild {
  /** What became of it, once all of its output was handed over; of `stderr` the first 4 KiB. Never rejects. */
  readonly ended: Promise<Omit<ChildResult, 'stdout' | 'timedOut'>>
  /** SIGTERM, and SIGKILL after a grace, to it and everything in its process group. */
  stop(): void
}

const stderrBytesMax = 4096

/** Starts a program, without a shell, as leader of its own process group; its standard input is empty. Never throws: what goes wrong is in `ended`. */
export function startChild(argv: readonly string[], { onStdout, env }: RunningChildOptions): RunningChild {
  const [file, ...args] = argv
  assert(file !== undefined, 'a child needs a program')
  try {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: env ?? process.env })
    const group = new ProcessGroup(child.pid)
    let isStopped = false
    child.stdout.on('data', (piece: Buffer) => {
      if (!isStopped) onStdout(piece)
    })
    child.stdout.on('error', () => {})
    const stop = () => {
      isStopped = true
      group.end()
    }
    return { ended: endOf(child, file, collect(child.stderr, stderrBytesMax), group), stop }
  } catch (error) {
    // NOTE: an argument with a NUL, or a list that is too long, throws here; a missing file comes as an event.
    return { ended: Promise.resolve(notStarted(file, error)), stop: () => {} }
  }
}

function endOf(child: ChildProcess, file: string, stderr: () => string, group: ProcessGroup): RunningChild['ended'] {
  return new Promise((resolve) => {
    const settle = (end: Awaited<RunningChild['ended']>) => {
      for (const stream of child.stdio) stream?.destroy()
      resolve(end)
    }
    child.once('error', (error) => {
      if (child.pid === undefined) settle(notStarted(file, error))
    })
    child.once('exit', (exitCode, signal) => {
      const done = () => group.whenGone(() => settle({ ...outcome(exitCode, signal), stderr: stderr() }))
      const pipesHeld = setTimeout(done, pipeGraceMs)
      child.once('close', () => {
        clearTimeout(pipesHeld)
        done()
      })
    })
  })
}

function outcome(exitCode: number | null, signal: NodeJS.Signals | null): Pick<ChildResult, 'exitCode' | 'signal'> {
  return signal === null ? { exitCode: exitCode ?? undefined } : { exitCode: undefined, signal }
}

function notStarted(file: string, error: unknown): ChildResult {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const reason = messageOf(error)
  const stderr = `Cannot start ${file}: ${reason}`
  return { exitCode: code === 'EACCES' ? 126 : 127, stdout: '', stderr, timedOut: false }
}

/** Reads the stream to its end and keeps the first `bytesMax` bytes; the returned function gives them as text. */
function collect(stream: Readable, bytesMax: number): () => string {
  const pieces: Buffer[] = []
  let room = bytesMax
  stream.on('data', (piece: Buffer) => {
    if (room <= 0) return
    pieces.push(piece.subarray(0, room))
    room -= piece.length
  })
  stream.on('error', () => {})
  return () => Buffer.concat(pieces).toString()
}

function feed(child: ChildProcessWithoutNullStreams, text: string | undefined): void {
  // A child that does not read its input gives EPIPE; its exit code says what it thought of it.
  child.stdin.on('error', () => {})
  child.stdin.end(text)
}

/** The child and its descendants, as far as they did not leave its process group. */
class ProcessGroup {
  readonly #id: number | undefined
  #killTimer: NodeJS.Timeout | undefined
  #killed = false
  #onGone: (() => void) | undefined

  constructor(id: number | undefined) {
    this.#id = id
  }

  /** SIGTERM now, SIGKILL after the grace. */
  end(): void {
    if (this.#killTimer !== undefined || !this.#send('SIGTERM')) return
    this.#killTimer = setTimeout(() => {
      this.#send('SIGKILL')
      this.#killed = true
      this.#onGone?.()
    }, killGraceMs)
  }

  /** Calls back at once, or, when somebody in the group still has his grace, after that. */
  whenGone(then: () => void): void {
    if (this.#killTimer !== undefined && !this.#killed && this.#send(0)) {
      this.#onGone = then
      return
    }
    clearTimeout(this.#killTimer)
    then()
  }

  #send(signal: NodeJS.Signals | 0): boolean {
    if (this.#id === undefined) return false
    try {
      return process.kill(-this.#id, signal)
    } catch {
      return false // ESRCH: nobody is left
    }
  }
}
