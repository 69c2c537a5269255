import { constants, openSync } from 'node:fs'

const { O_WRONLY, O_CREAT, O_NONBLOCK, O_APPEND, O_TRUNC } = constants

/**
 * Opens a file to write, and makes it when there is none. A pipe that nobody reads is an error, where open(2) would wait for a reader and the
 * whole daemon with it (fifo(7)); of one whose reader is slow what does not fit is lost (EAGAIN).
 */
export function openAtOnce(path: string, { how, mode }: { how: 'append' | 'anew'; mode: number }): number {
  try {
    return openSync(path, O_WRONLY | O_CREAT | O_NONBLOCK | (how === 'append' ? O_APPEND : O_TRUNC), mode)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENXIO')) throw error
    throw new Error(`Cannot write to ${path}: it is a pipe that nobody reads, or a socket; name a file`, {
      cause: error,
    })
  }
}
