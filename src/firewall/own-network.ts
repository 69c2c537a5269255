import { closeSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { runChild } from '../lib/child.js'
import { cFunction } from '../lib/libc.js'

const CLONE_NEWNET = 0x40000000
const programTimeoutMs = 5_000

/**
 * For tests: puts this process's main thread into a network namespace with nobody else's rules; children and sockets made from now on
 * are in it too. It ends with the process, so nothing has to be cleaned up. Returns the reason why it cannot.
 */
export async function enterOwnNetwork(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'needs root'
  if (!unshareNetwork()) return 'needs network namespaces: unshare(CLONE_NEWNET) failed'
  for (const program of ['nft', 'ip'])
    if ((await runChild([program, '-V'], { timeoutMs: programTimeoutMs })).exitCode !== 0)
      return `needs the ${program} command`
  const tried = await runChild(['nft', 'add', 'table', 'inet', 'tocsin'], { timeoutMs: programTimeoutMs })
  return tried.exitCode === 0 ? undefined : `needs nf_tables in the kernel: ${tried.stderr.trim()}`
}

/** Another network of the same kind, to go to and fro with `enter`. */
export class Network {
  readonly #file: number

  private constructor(file: number) {
    this.#file = file
  }

  /** The one in which the main thread is. */
  static current(): Network {
    return new Network(openSync('/proc/thread-self/ns/net', 'r'))
  }

  /** Makes one and stays where it was. */
  static another(): Network {
    const here = Network.current()
    if (!unshareNetwork()) throw new Error('Cannot make a network namespace')
    const made = Network.current()
    here.#return()
    return made
  }

  /** As `ip link … netns` takes it. */
  get path(): string {
    return `/proc/${process.pid}/fd/${this.#file}`
  }

  enter(): void {
    const setns = cFunction<(fd: number, kind: number) => number>('int setns(int fd, int kind)')
    if (setns(this.#file, CLONE_NEWNET) !== 0) throw new Error('Cannot enter a network namespace')
  }

  /** Runs `work` inside and comes back; `work` must make its sockets before its promise is kept. */
  async within<T>(work: () => Promise<T>): Promise<T> {
    const here = Network.current()
    this.enter()
    try {
      return await work()
    } finally {
      here.#return()
    }
  }

  /** Enters it for the last time. */
  #return(): void {
    this.enter()
    closeSync(this.#file)
  }

  /** Runs `ip` with each of these lines. */
  async ip(...lines: string[]): Promise<void> {
    await this.within(async () => {
      const answer = await runChild(['ip', '-batch', '-'], {
        stdin: `${lines.join('\n')}\n`,
        timeoutMs: programTimeoutMs,
      })
      if (answer.exitCode !== 0) throw new Error(`ip failed: ${answer.stderr}`)
    })
  }
}

/** The kernel's clock cannot be turned, so here real time passes. */
export function passRealTime(ms: number): Promise<void> {
  return sleep(ms)
}

function unshareNetwork(): boolean {
  const unshare = cFunction<(flags: number) => number>('int unshare(int flags)')
  return unshare(CLONE_NEWNET) === 0
}
