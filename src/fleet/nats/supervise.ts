import { readFileSync } from 'node:fs'
import { type RunningChild, runChild, startChild } from '../../lib/child.js'
import type { Clock } from '../../lib/clock.js'
import type { Log } from '../../lib/log.js'
import { ServerLog } from './server-log.js'
import { findServerProgram } from './server-program.js'

export interface SupervisedOptions {
  /** Written already, and again before each `reload`. */
  configFile: string
  /** The one that the configuration names. */
  pidFile: string
  log: Log
  clock: Clock
  /** Tells why it is away; it is started again by itself. */
  onDown?: (reason: string) => void
  /** A server that is ready for clients. */
  onReady?: () => void
  /** Where to look for the program; ours when missing. */
  searchPath?: string
}

const restartDelayMsMin = 500
const restartDelayMsMax = 60_000
/** Whoever ran so long has earned the short delay again. */
const steadyMs = 60_000

/** The fleet's server as a child of ours. It is started again when it ends, with growing delays, and ends with us. */
export class SupervisedServer {
  readonly #options: SupervisedOptions
  #child: RunningChild | undefined
  #cancelRestart = () => {}
  #delayMs = restartDelayMsMin
  #isClosed = false
  #ended = Promise.resolve()
  #version: string | undefined
  #isReady = false

  constructor(options: SupervisedOptions) {
    this.#options = options
  }

  /** For `tocsin fleet status`. */
  get state(): { version: string | undefined; isReady: boolean } {
    return { version: this.#version, isReady: this.#isReady }
  }

  /** Rejects when there is no such program; whatever happens to it later is logged, told and mended. */
  async start(): Promise<void> {
    const { log, searchPath, pidFile } = this.#options
    const program = await findServerProgram(searchPath)
    this.#version = program.version
    if (program.warning !== undefined) log.write('WARNING', 'fleet', program.warning)
    await endOrphan(pidFile, this.#options.configFile)
    if (!this.#isClosed) this.#run(program.file)
  }

  /** Lets it read its configuration again: whose card was revoked is cut off, the others stay. False: it does not run. */
  reload(): boolean {
    return reloadServer(this.#options)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelRestart()
    this.#child?.stop()
    await this.#ended
  }

  #run(file: string): void {
    const { configFile, clock, log, onReady } = this.#options
    const startedMs = clock.now()
    const serverLog = new ServerLog(log, clock, () => {
      this.#isReady = true
      onReady?.()
    })
    // Its log goes to its standard error, of which a child of ours may say little; as standard output it is bounded by us alone.
    const argv = ['/bin/sh', '-c', 'exec "$1" -c "$2" 2>&1', 'sh', file, configFile]
    const child = startChild(argv, { onStdout: (piece) => serverLog.take(piece) })
    this.#child = child
    this.#ended = child.ended.then(({ exitCode, signal }) => {
      this.#isReady = false
      if (this.#isClosed) return
      if (clock.now() - startedMs >= steadyMs) this.#delayMs = restartDelayMsMin
      const delayMs = this.#delayMs
      this.#delayMs = Math.min(delayMs * 2, restartDelayMsMax)
      const end = signal === undefined ? `exit code ${exitCode}` : signal
      const said = serverLog.lastTrouble === undefined ? '' : `: ${serverLog.lastTrouble}`
      const reason = `nats-server ended (${end})${said}; started again in ${delayMs / 1000} s`
      log.write('ERROR', 'fleet', reason)
      this.#options.onDown?.(reason)
      this.#cancelRestart = clock.after(delayMs, () => this.#run(file))
    })
  }
}

/** The same from another process, as `tocsin fleet revoke` does it; false: it does not run. */
export function reloadServer({ pidFile, configFile }: Pick<SupervisedOptions, 'pidFile' | 'configFile'>): boolean {
  const pid = runningPid(pidFile, configFile)
  return pid !== undefined && signal(pid, 'SIGHUP')
}

/** A server that outlived us (a kill -9 of the daemon) still holds the port: it is ended. */
async function endOrphan(pidFile: string, configFile: string): Promise<void> {
  const pid = runningPid(pidFile, configFile)
  if (pid === undefined || !signal(pid, 'SIGTERM')) return
  const untilGone = 'i=0; while kill -0 "$1" 2>/dev/null && [ $i -lt 50 ]; do sleep 0.1; i=$((i+1)); done'
  await runChild(['/bin/sh', '-c', untilGone, 'sh', String(pid)], { timeoutMs: 6000 })
}

/** The process in the file, if it is nats-server with this configuration: the file outlives it, and numbers are given out again. */
function runningPid(pidFile: string, configFile: string): number | undefined {
  const pid = pidOf(pidFile)
  return pid !== undefined && commandLineOf(pid).includes(configFile) ? pid : undefined
}

function signal(pid: number, name: 'SIGHUP' | 'SIGTERM'): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false // It has ended by itself.
  }
}

function pidOf(file: string): number | undefined {
  const [, digits] = /^(\d{1,10})\s*$/.exec(textOf(file)) ?? []
  return digits === undefined || Number(digits) < 2 ? undefined : Number(digits)
}

function commandLineOf(pid: number): string[] {
  return textOf(`/proc/${pid}/cmdline`).split('\0')
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // There is none.
  }
}
