import { closeSync, fstatSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { endianness } from 'node:os'
import { ipOf } from '../domain/address.js'

/** Fields of glibc's `struct utmp` on 64-bit Linux (utmp(5), <bits/utmp.h>) that are the same everywhere. */
const utmp = { type: 0, line: 8, lineBytes: 32, user: 44, userBytes: 32, userProcess: 7 }

/** Where the rest is: times have the size of a 32-bit machine's, for programs of both kinds (x86-64, and others with an older sibling), or 64 bits. */
export const layouts = {
  narrow: { bytes: 384, seconds: 340, address: 348 },
  wide: { bytes: 400, seconds: 344, address: 360 },
} as const

const layoutHere = process.arch === 'arm64' ? layouts.wide : layouts.narrow

/** So many of the newest records of wtmp are looked at; a day has fewer, or the older logins are known from elsewhere. */
const recordsMax = 4096

/** A record of a login from elsewhere. */
export interface LoginRecord {
  address: string
  user: string
  line: string
  /** Epoch milliseconds of the login. */
  timeMs: number
}

/** Who is logged in (utmp, what `who` shows), or was (wtmp, what `last` shows): read again when the file has changed. */
export class LoginFile {
  readonly #path: string
  #stamp = ''
  #records: readonly LoginRecord[] = []

  constructor(path: string) {
    this.#path = path
  }

  /** The same array as long as the file is the same. */
  records(): readonly LoginRecord[] {
    try {
      const { mtimeMs, size, ino } = statSync(this.#path)
      const stamp = `${mtimeMs} ${size} ${ino}`
      if (stamp === this.#stamp) return this.#records
      this.#stamp = stamp
      this.#records = parseLogins(readEnd(this.#path))
    } catch {
      // No such file on this system (musl, or since systemd 255 on some): other signs are what is left.
      this.#stamp = ''
      if (this.#records.length > 0) this.#records = []
    }
    return this.#records
  }
}

/** Records of user processes with a remote address. What is behind the last whole record is left out. */
export function parseLogins(bytes: Buffer, layout: (typeof layouts)['narrow' | 'wide'] = layoutHere): LoginRecord[] {
  const logins: LoginRecord[] = []
  for (let at = 0; at + layout.bytes <= bytes.length; at += layout.bytes) {
    const entry = bytes.subarray(at, at + layout.bytes)
    const type = isLittle ? entry.readInt16LE(utmp.type) : entry.readInt16BE(utmp.type)
    if (type !== utmp.userProcess) continue
    const address = entry.subarray(layout.address, layout.address + 16)
    if (address.every((byte) => byte === 0)) continue
    // An IPv4 address stands in the first four bytes, the others are zero.
    const isV4 = address.subarray(4).every((byte) => byte === 0)
    logins.push({
      address: ipOf(Uint8Array.from(isV4 ? address.subarray(0, 4) : address)).text,
      user: textAt(entry, utmp.user, utmp.userBytes),
      line: textAt(entry, utmp.line, utmp.lineBytes),
      timeMs: secondsAt(entry, layout) * 1000,
    })
  }
  return logins
}

const isLittle = endianness() === 'LE'

/** NOTE: 64 bits are read as far as a number goes exactly. */
function secondsAt(entry: Buffer, { seconds, bytes }: { seconds: number; bytes: number }): number {
  if (bytes === layouts.wide.bytes)
    return Number(isLittle ? entry.readBigInt64LE(seconds) : entry.readBigInt64BE(seconds))
  return isLittle ? entry.readUInt32LE(seconds) : entry.readUInt32BE(seconds)
}

function readEnd(path: string): Buffer {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const bytesMax = recordsMax * layoutHere.bytes
    if (size <= bytesMax) return readFileSync(file)
    const records = Buffer.alloc(bytesMax)
    const got = readSync(file, records, 0, bytesMax, Math.floor(size / layoutHere.bytes) * layoutHere.bytes - bytesMax)
    return records.subarray(0, got)
  } finally {
    closeSync(file)
  }
}

function textAt(entry: Buffer, start: number, length: number): string {
  const field = entry.subarray(start, start + length)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end < 0 ? length : end)
}
