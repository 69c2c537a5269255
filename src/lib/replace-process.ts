import { closeSync, openSync } from 'node:fs'
import { messageOf } from './error-message.js'
import { cFunction, errnoName } from './libc.js'

/** <fcntl.h>, the same on all Linux architectures. */
const F_SETFD = 2

/**
 * Replaces this process by a fresh one of the same command line and process id, as `execv(3)` does: terminal, service manager and
 * parent see no end. Does not return when it works; returns the reason when it does not. Everything open must be closed before,
 * save standard input and outputs. The program is read from disk again, so an upgrade takes effect.
 */
export function replaceProcess(): string {
  const argv = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  try {
    const fcntl = cFunction<(fd: number, command: number, argument: number) => number>(
      'int fcntl(int fd, int command, int argument)',
    )
    const execv = cFunction<(path: string, argv: (string | null)[]) => number>(
      'int execv(const char *path, const char **argv)',
    )
    for (const fd of [0, 1, 2]) {
      holdOpen(fd)
      // NOTE: Node marks its standard streams close-on-exec.
      fcntl(fd, F_SETFD, 0)
    }
    execv(process.execPath, [...argv, null])
    return `execv of ${process.execPath} failed: ${errnoName()}`
  } catch (error) {
    return messageOf(error)
  }
}

/** A standard stream that was closed is opened on /dev/null, so that no other file gets its number. */
function holdOpen(fd: number): void {
  const spare = openSync('/dev/null', 'r+')
  if (spare !== fd) closeSync(spare)
}
