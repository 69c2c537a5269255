import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs'

const { O_RDONLY, O_NONBLOCK, O_NOCTTY } = constants

/**
 * All of a file that somebody has named or laid down for us. What else may have its name is refused in a sentence: a pipe, for which open(2)
 * would wait and the whole daemon with it (fifo(7)), a device without end, a directory, and what is larger than `bytesMax`. Only /dev/null is
 * as good as an empty file: a link to it puts a file out of use. Errors of the system are thrown as they are, with their `code`.
 */
export function readPlainFile(path: string, { bytesMax }: { bytesMax: number }): Buffer {
  const fd = opened(path)
  try {
    const facts = fstatSync(fd)
    if (isNullDevice(facts)) return Buffer.alloc(0)
    if (!facts.isFile()) throw new Error(`${path} is ${kindOf(facts)} and no file`)
    if (facts.size > bytesMax) throw new Error(`${path} is larger than ${bytesMax} bytes`)
    return readFileSync(fd)
  } finally {
    closeSync(fd)
  }
}

function opened(path: string): number {
  try {
    return openSync(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
  } catch (cause) {
    // open(2): what has the name is a socket, or a device that is not there.
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ENXIO')) throw cause
    throw new Error(`${path} is a socket or a device and no file`, { cause })
  }
}

/** Linux' number for it, major 1 and minor 3 (null(4)). */
function isNullDevice(facts: Stats): boolean {
  return facts.isCharacterDevice() && facts.rdev === 0x103
}

function kindOf(facts: Stats): string {
  if (facts.isFIFO()) return 'a pipe'
  return facts.isDirectory() ? 'a directory' : 'a device'
}
