import { constants } from 'node:os'
import koffi from 'koffi'

/** The functions of the C library that Node has no other way to. Loaded at the first call; throws where there is no glibc or musl. */
export interface Libc {
  fcntl(fd: number, command: number, argument: number): number
  execv(path: string, argv: readonly (string | null)[]): number
}

let loaded: Libc | undefined

export function libc(): Libc {
  loaded ??= load()
  return loaded
}

/** Name of the last call's errno: `EPERM`. */
export function errnoName(errno = koffi.errno()): string {
  return Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`
}

function load(): Libc {
  const library = koffi.load('libc.so.6')
  return {
    fcntl: library.func('int fcntl(int fd, int command, int argument)'),
    execv: library.func('execv', 'int', ['str', 'str *']),
  }
}
