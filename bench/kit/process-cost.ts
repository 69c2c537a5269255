import { readFileSync } from 'node:fs'

/** USER_HZ, in which Linux tells times of processes: 100 on every architecture that Node runs on. */
const ticksPerSecond = 100

/** User and system time of a process, all its threads, without its children, in seconds; to 10 ms (proc(5), fields 14 and 15). */
export function cpuSeconds(pid: number): number {
  return ticks(pid, 14) / ticksPerSecond
}

/** The same of all children that we have waited for (fields 16 and 17). */
export function cpuSecondsOfChildren(): number {
  return ticks(process.pid, 16) / ticksPerSecond
}

function ticks(pid: number, field: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  // The second field is a name in parentheses that may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[field - 3]) + Number(fields[field - 2])
}

export interface Memory {
  /** What this process alone has written to: what it costs the machine. */
  privateDirtyMiB: number
  /** Everything of it that is in memory, shared libraries included. */
  rssMiB: number
}

export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
  const mib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) / 1024
  return { privateDirtyMiB: mib('Private_Dirty'), rssMiB: mib('Rss') }
}
