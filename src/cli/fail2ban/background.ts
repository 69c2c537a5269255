import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { runChild } from '../../lib/child.js'
import type { Session } from './session.js'

/** A server that was started without a terminal. */
export interface BackgroundServer {
  isAlive(): boolean
  /** What it has complained of so far. */
  said(): string
  /** Call it when what it says is not of interest any more; it runs on. */
  forget(): void
}

/**
 * Detaches: a session of its own (our child runner gives it), no terminal, `/` as directory, files for nobody else. NOTE: the shell ends
 * at once, so whoever adopts orphans becomes the parent.
 */
const script = 'umask 077; cd /; "$@" </dev/null >"$OUTPUT" 2>&1 & echo $!'
const shellTimeoutMs = 10_000

/** Starts our `fail2ban-server` for the session's configuration and places. It may fail yet: look whether it answers. */
export async function startInBackground(session: Session): Promise<BackgroundServer> {
  const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-start-'))
  const output = path.join(dir, 'output')
  const { stdout, stderr } = await runChild(['/bin/sh', '-c', script, 'sh', ...commandLine(session)], {
    timeoutMs: shellTimeoutMs,
    env: { ...process.env, OUTPUT: output },
  })
  const pid = Number(stdout)
  return {
    isAlive: () => Number.isInteger(pid) && pid > 0 && isRunning(pid),
    said: () => (existsSync(output) ? readFileSync(output, 'utf8') : stderr).trim(),
    forget: () => rmSync(dir, { recursive: true, force: true }),
  }
}

/** Only what was given to us: for all else a reload may bring something new. */
function commandLine({ options }: Session): string[] {
  const { socket, pidfile, ...settings } = options.overrides
  const files = Object.entries({ conf: options.dir, socket, pidfile }).flatMap(([name, file]) =>
    file === undefined ? [] : [`--${name}`, path.resolve(file)],
  )
  const given = Object.entries({ ...settings, pname: options.processName }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  )
  return [process.execPath, launcher(), '--async', '-f', ...files, ...given, 'start']
}

/** `bin/fail2ban-server` of the checkout or package that this program runs from. */
function launcher(): string {
  let dir = path.dirname(fileURLToPath(import.meta.url))
  const at = () => path.join(dir, 'bin', 'fail2ban-server')
  while (!existsSync(at()) && dir !== path.dirname(dir)) dir = path.dirname(dir)
  return at()
}

/** NOTE: kill(2) finds zombies, too, and nobody may be there to reap an orphan; so the state is read (proc(5)). */
function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.charAt(stat.lastIndexOf(')') + 2) !== 'Z'
  } catch {
    return false
  }
}
