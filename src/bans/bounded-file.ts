import { closeSync, openSync, readSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

/** Up to this many bytes from the begin of a file, as Latin-1 text; undefined when it cannot be read. Works for /proc, whose files have no size. */
export function readBegin(path: string, bytesMax: number): string | undefined {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch {
    return undefined // Not on this kernel, or not for this user; callers do without.
  }
  try {
    return readParts(file, bytesMax)
  } catch {
    return undefined // As above: a process that has just ended answers so.
  } finally {
    closeSync(file)
  }
}

/** The same without anybody's waiting for it: what a list of the kernel costs is nearly all its own work. */
export async function readBeginLater(path: string, bytesMax: number): Promise<string | undefined> {
  let file: FileHandle | undefined
  try {
    file = await open(path)
    return await readPartsLater(file, bytesMax)
  } catch {
    return undefined // As above.
  } finally {
    await file?.close()
  }
}

const partBytes = 1 << 16

function readParts(file: number, bytesMax: number): string {
  const part = Buffer.alloc(Math.min(partBytes, bytesMax))
  let text = ''
  while (text.length < bytesMax) {
    const got = readSync(file, part, 0, Math.min(part.length, bytesMax - text.length), null)
    if (got === 0) break
    text += part.toString('latin1', 0, got)
  }
  return text
}

async function readPartsLater(file: FileHandle, bytesMax: number): Promise<string> {
  const part = Buffer.alloc(Math.min(partBytes, bytesMax))
  let text = ''
  while (text.length < bytesMax) {
    const { bytesRead } = await file.read(part, 0, Math.min(part.length, bytesMax - text.length), null)
    if (bytesRead === 0) break
    text += part.toString('latin1', 0, bytesRead)
  }
  return text
}
