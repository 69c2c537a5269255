import type { Socket } from 'node:net'
import { cFunction } from './libc.js'

// <asm/socket.h>
const SOL_SOCKET = process.arch.startsWith('mips') ? 0xffff : 1
const SO_PEERCRED = process.arch.startsWith('ppc') ? 21 : process.arch.startsWith('mips') ? 18 : 17
/** struct ucred: pid, uid, gid, each 32 bits (unix(7)). */
const ucredBytes = 12

/** User id of the process at the other end of a connected unix socket, as it was when it connected; undefined when the kernel does not say. */
function peerUid(fd: number): number | undefined {
  try {
    const getsockopt = cFunction<(fd: number, level: number, name: number, value: Buffer, length: Buffer) => number>(
      'int getsockopt(int fd, int level, int name, void *value, void *length)',
    )
    const credentials = Buffer.alloc(ucredBytes)
    const length = Buffer.from(Uint32Array.of(ucredBytes).buffer)
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, length) !== 0) return undefined
    return new Uint32Array(credentials.buffer, credentials.byteOffset, 3)[1]
  } catch {
    return undefined // No C library to be had: nobody is known, and the caller trusts nobody.
  }
}

/** Whether root or we ourselves are at the other end. `whenUnknown`: the answer where the kernel does not say. */
export function isOwnPeer(socket: Socket, whenUnknown: boolean): boolean {
  const handle = '_handle' in socket ? (socket._handle as { fd?: number } | null) : null
  const uid = handle?.fd === undefined ? undefined : peerUid(handle.fd)
  return uid === undefined ? whenUnknown : uid === 0 || uid === process.geteuid?.()
}
