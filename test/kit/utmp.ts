/** A record as login(1) writes it: utmp(5), 64-bit glibc. */
export function utmpRecord(options: {
  type: number
  user: string
  line: string
  address: readonly number[]
  timeMs?: number
}): Buffer {
  const record = Buffer.alloc(384)
  record.writeInt16LE(options.type, 0)
  record.write(options.line, 8)
  record.write(options.user, 44)
  record.writeUInt32LE(Math.floor((options.timeMs ?? 0) / 1000), 340)
  Buffer.from(options.address).copy(record, 348)
  return record
}
