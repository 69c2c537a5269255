import { cFunction } from './libc.js'

// <linux/time.h>
const CLOCK_THREAD_CPUTIME_ID = 3

const timespec = Buffer.alloc(16)
let read: ((clock: number, time: Buffer) => number) | undefined

/** Processor time of the calling thread in milliseconds, to the microsecond; where the C library cannot be asked, that of the whole process. */
export function threadCpuMs(): number {
  try {
    read ??= cFunction<(clock: number, time: Buffer) => number>('int clock_gettime(int clock, void *time)')
    if (read(CLOCK_THREAD_CPUTIME_ID, timespec) === 0)
      return Number(timespec.readBigInt64LE(0)) * 1000 + Number(timespec.readBigInt64LE(8)) / 1e6
  } catch {
    // No C library: helper threads count too, so a busy machine is sooner taken for a slow pattern.
  }
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
