import { closeSync, mkdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import path from 'node:path'
import { messageOf } from '../lib/error-message.js'
import type { Log } from '../lib/log.js'
import { openAtOnce } from '../lib/open-at-once.js'

/** Writes our process id and a line feed. Where that cannot be done the start goes on without, as Fail2ban's does (spec 2.1). */
export function writePidFile(file: string, log: Log): void {
  try {
    mkdirSync(path.dirname(file), { recursive: true })
    const fd = openAtOnce(file, { how: 'anew', mode: 0o644 })
    writeSync(fd, `${process.pid}\n`)
    closeSync(fd)
  } catch (error) {
    log.write('ERROR', 'server', `Unable to create PID file: ${messageOf(error)}`)
  }
}

/** Removes the file if it is still ours; never a device or a pipe, which may not even be read. */
export function removePidFile(file: string): void {
  try {
    if (statSync(file).isFile() && Number(readFileSync(file, 'utf8')) === process.pid) rmSync(file)
  } catch {
    // Gone already: that is what we wanted.
  }
}
