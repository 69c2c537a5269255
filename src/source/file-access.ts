import { closeSync, constants, fstat, fstatSync, open, openSync, type PathLike, read, readSync, statfs } from 'node:fs'
import { dirname } from 'node:path'
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

/** `f_type` of file systems whose changes by others are not told to inotify here (linux/magic.h, statfs(2)). */
const remoteTypes: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB2'],
  [0x65735546, 'FUSE'],
  [0x01021997, '9p'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
  [0x73757245, 'Coda'],
  [0x0bd00bd0, 'Lustre'],
  [0x7461636f, 'OCFS2'],
  [0x01161970, 'GFS2'],
  [0x47504653, 'GPFS'],
])

const statfsLater = promisify<PathLike, { type: number }>(statfs)

/** Name of the network or FUSE file system that holds `path` (or its nearest existing directory); undefined: a local one. */
export async function remoteFileSystem(path: string): Promise<string | undefined> {
  try {
    return remoteTypes.get((await statfsLater(path)).type >>> 0)
  } catch {
    const parent = dirname(path)
    return parent === path ? undefined : remoteFileSystem(parent)
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
