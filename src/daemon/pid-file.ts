import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** Writes our process id and a line feed, as Fail2ban does (spec 2.1). */
export function writePidFile(file: string): void {
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, `${process.pid}\n`, { mode: 0o644 })
}

/** Removes the file if it is still ours; never a device or a pipe, which may not even be read. */
export function removePidFile(file: string): void {
  try {
    if (statSync(file).isFile() && Number(readFileSync(file, 'utf8')) === process.pid) rmSync(file)
  } catch {
    // Gone already: that is what we wanted.
  }
}
