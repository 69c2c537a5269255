import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { ask } from '../../src/api/client.js'
import type { SourceStatus, Status } from '../../src/api/operations.js'
import type { Places } from './configuration.js'
import { end, isApart, mind, root, until } from './workspace.js'

/** Our daemon as an operator starts it, in a process of its own. */
export class OwnDaemon {
  readonly pid: number
  readonly socket: string
  readonly #child: ChildProcess
  readonly #words: string[] = []

  constructor(places: Places) {
    const simulate = isApart ? [] : ['--simulate']
    // What a profile is wanted of: TOCSIN_BENCH_NODE='--cpu-prof --cpu-prof-dir=/tmp/profile'.
    const nodeOptions = (process.env.TOCSIN_BENCH_NODE ?? '').split(' ').filter((word) => word !== '')
    const command = [...nodeOptions, path.join(root, 'bin', 'tocsin'), 'serve', '-c', places.dir, ...simulate]
    this.#child = mind(spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'pipe'] }))
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.on('data', (piece) => this.#words.push(String(piece)))
    this.pid = this.#child.pid ?? 0
    this.socket = path.join(path.dirname(places.socket), 'tocsin.sock')
  }

  /** Resolves when bans are in force and logs are followed. */
  async ready(): Promise<void> {
    await until(() => {
      if (this.#child.exitCode !== null) throw new Error(`The daemon has ended:\n${this.#words.join('')}`)
      return existsSync(this.socket) && /Ready;/.test(this.#words.join(''))
    }, 'the daemon is ready')
  }

  status(): Promise<Status> {
    return ask<Status>(this.socket, '/v1/status')
  }

  /** Resolves when the first jail has read its log up to here. */
  async hasRead(bytes: number): Promise<void> {
    const isDone = (source: SourceStatus | undefined) => source?.state === 'live' && source.offset === bytes
    await until(async () => isDone((await this.status()).jails[0]?.sources[0]), `the log is read to byte ${bytes}`, {
      everyMs: 50,
    })
  }

  /** An orderly end, as by Ctrl-C. */
  stop(): Promise<void> {
    return end(this.#child)
  }
}
