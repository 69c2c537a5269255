import { layouts } from '../../src/bans/login-records.js'

/** A record as login(1) writes it: utmp(5), 64-bit glibc, little-endian; by default as on this machine. */
export function utmpRecord(options: {
  type: number
  user: string
  line: string
  address: readonly number[]
  timeMs?: number
  layout?: (typeof layouts)['narrow' | 'wide']
}): Buffer {
  const layout = options.layout ?? (process.arch === 'arm64' ? layouts.wide : layouts.narrow)
  const record = Buffer.alloc(layout.bytes)
  record.writeInt16LE(options.type, 0)
  record.write(options.line, 8)
  record.write(options.user, 44)
  record.writeUInt32LE(Math.floor((options.timeMs ?? 0) / 1000), layout.seconds)
  Buffer.from(options.address).copy(record, layout.address)
  return record
}
