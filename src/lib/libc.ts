import { constants } from 'node:os'
import koffi from 'koffi'

let library: ReturnType<typeof koffi.load> | undefined

/**
 * A function of the C library that Node itself runs on (glibc, musl), for the few things that Node has no way to. Give its C
 * declaration. Throws where it does not exist.
 */
export function cFunction<F extends (...args: never[]) => number>(declaration: string): F {
  library ??= koffi.load(null)
  const found: unknown = library.func(declaration)
  return found as F
}

/** The errno of the last call. */
export function lastErrno(): number {
  return koffi.errno()
}

/** Name of a Linux errno: `errnoName(1)` is `EPERM`. */
export function errnoName(errno = lastErrno()): string {
  const found = Object.entries(constants.errno).find(([, number]) => number === errno)
  return found?.[0] ?? `errno ${errno}`
}
