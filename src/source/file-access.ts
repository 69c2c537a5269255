import { closeSync, constants, fstat, fstatSync, open, openSync, read, readSync } from 'node:fs'
import { promisify } from 'node:util'

/** What is asked about an open file. Inode numbers are compared, so they are not squeezed into a double. */
export interface FileFacts {
  dev: bigint
  ino: bigint
  size: number
  links: number
  isFile: boolean
}

/**
 * The few calls a tail makes. Local files are asked directly: 2–5 µs a call, where a trip through Node's thread pool costs
 * 50–100 µs and waits behind slow name look-ups. A dead network server makes calls hang, so remote files go through the
 * pool, where they hang a thread and not the daemon.
 */
export interface FileAccess {
  kind: 'direct' | 'off-thread'
  open(path: string): number | Promise<number>
  facts(fd: number): FileFacts | Promise<FileFacts>
  read(fd: number, buffer: Buffer, length: number, position: number): number | Promise<number>
  close(fd: number): void
}

// NONBLOCK: opening a FIFO that stands in the log's place must not wait for its writer.
const openFlags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY

export const directAccess: FileAccess = {
  kind: 'direct',
  open: (path) => openSync(path, openFlags),
  facts: (fd) => factsOf(fstatSync(fd, { bigint: true })),
  read: (fd, buffer, length, position) => readSync(fd, buffer, 0, length, position),
  close: closeSync,
}

const openLater = promisify(open)
const readLater = promisify(read)
const fstatLater = promisify(fstat)

export const offThreadAccess: FileAccess = {
  kind: 'off-thread',
  open: (path) => openLater(path, openFlags),
  facts: async (fd) => factsOf(await fstatLater(fd, { bigint: true })),
  read: async (fd, buffer, length, position) => (await readLater(fd, buffer, 0, length, position)).bytesRead,
  close: closeSync,
}

interface BigStats {
  dev: bigint
  ino: bigint
  size: bigint
  nlink: bigint
  isFile(): boolean
}

function factsOf(stats: BigStats): FileFacts {
  return {
    dev: stats.dev,
    ino: stats.ino,
    size: Number(stats.size),
    links: Number(stats.nlink),
    isFile: stats.isFile(),
  }
}

/** An answer of the kernel, not a mistake of ours or of a listener. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}

/** Nothing has this name. */
export function isAbsence(error: unknown): error is NodeJS.ErrnoException {
  return isSystemError(error) && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}
