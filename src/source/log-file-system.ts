import { type PathLike, statfs } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { directAccess, type FileAccess, offThreadAccess } from './file-access.js'

/** The file system that a log is on, which may change while we follow it: something is mounted where the log is, or unmounted. */
export class LogFileSystem {
  readonly #path: string
  #access: FileAccess = directAccess
  #device: bigint | undefined

  constructor(path: string) {
    this.#path = path
  }

  /** How the log is asked at present. */
  get access(): FileAccess {
    return this.#access
  }

  /** Finds out where the log is. Returns why it must be polled; undefined: it can be watched. */
  async look(): Promise<string | undefined> {
    const remote = await remoteFileSystem(this.#path)
    this.#access = remote === undefined ? directAccess : offThreadAccess
    if (remote === undefined) return undefined
    return `${this.#path} is on ${remote}, where changes that others make are not told to this machine, so it is polled`
  }

  /** A file of the log was opened on this device. As `look`, if it is another than before. */
  async arriveOn(device: bigint): Promise<string | undefined> {
    if (device === this.#device) return undefined
    this.#device = device
    return this.look()
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
