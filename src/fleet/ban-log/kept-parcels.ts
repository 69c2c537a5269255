import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { bodyBytesMax } from '../message/envelope.js'
import { parseSubject } from '../message/subject.js'
import type { Parcel } from '../transport.js'

/** An operator's lift is remembered for a week (daemon/fleet); then its file may go. */
const liftKeptMs = 8 * 86_400_000
/** More are not read: a share full of files must not fill our memory. */
const filesMax = 200_000

/**
 * What an operator has signed, beside the log: the last parcel of each of his subjects in a file of that name. Lines come and go with rotation; who is a member, and what was lifted for all,
 * must be there for whoever comes later. Everything in it is hostile until opened, as all that others write.
 */
export class KeptParcels {
  readonly dir: string

  constructor(dir: string) {
    this.dir = dir
  }

  /** Replaces the file at once or not at all. */
  async keep({ subject, body }: Parcel): Promise<void> {
    await mkdir(this.dir, { recursive: true, mode: 0o755 })
    // Who else may write beside it could lead us elsewhere.
    if (!(await lstat(this.dir)).isDirectory()) throw new Error(`${this.dir} is no directory`)
    const fresh = path.join(this.dir, `.${randomBytes(6).toString('hex')}`)
    try {
      await writeFile(fresh, body, { flag: 'wx', mode: 0o644 })
      await rename(fresh, path.join(this.dir, subject))
    } catch (error) {
      await rm(fresh, { force: true })
      throw error
    }
  }

  /** Nothing where there is no such directory; what cannot be read is passed over, as a line would be that was never written. */
  async all(): Promise<Parcel[]> {
    const parcels: Parcel[] = []
    for (const subject of await this.#subjects()) {
      const body = await this.#body(subject)
      if (body !== undefined) parcels.push({ subject, body })
    }
    return parcels
  }

  /** Lifts of long ago. */
  async purge(nowMs: number): Promise<void> {
    for (const subject of await this.#subjects()) {
      if (!subject.startsWith('ctl.unban.')) continue
      const file = path.join(this.dir, subject)
      const facts = await factsOf(file)
      if (facts === undefined || facts.mtimeMs >= nowMs - liftKeptMs) continue
      // Another machine's file on a share with the sticky bit, or no file at all: it goes with its owner.
      await rm(file, { force: true }).catch(() => {})
    }
  }

  async #subjects(): Promise<string[]> {
    try {
      const names = await readdir(this.dir)
      return names.filter((name) => parseSubject(name)?.kind.startsWith('ctl')).slice(0, filesMax)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
      throw error
    }
  }

  async #body(subject: string): Promise<Uint8Array | undefined> {
    const file = path.join(this.dir, subject)
    const facts = await factsOf(file)
    // NOTE: a pipe or a device would never end.
    if (facts === undefined || !facts.isFile() || facts.size > bodyBytesMax) return undefined
    return readFile(file).catch(() => undefined)
  }
}

/** Of the name itself: a link leads elsewhere. Undefined: another machine has removed it meanwhile. */
function factsOf(file: string): Promise<Stats | undefined> {
  return lstat(file).catch(() => undefined)
}
