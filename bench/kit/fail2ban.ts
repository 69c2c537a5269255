import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { Places } from './configuration.js'
import { end, findProgram, mind, until, versionOf } from './workspace.js'

const server = findProgram('fail2ban-server')
const client = findProgram('fail2ban-client')

/** `Fail2Ban v1.0.2`; undefined when it is not installed. */
export const fail2ban = server && client ? versionOf(server, '--version') : undefined

/** Fail2ban itself, on a configuration of its own. */
export class Fail2banDaemon {
  readonly pid: number
  readonly #places: Places
  readonly #child: ChildProcess

  constructor(places: Places) {
    this.#places = places
    const where = ['-c', places.dir, '-s', places.socket, '-p', places.pidFile]
    this.#child = mind(spawn(server ?? '', ['-f', ...where, 'start'], { stdio: 'ignore' }))
    this.pid = this.#child.pid ?? 0
  }

  async ready(jail = 'sshd'): Promise<void> {
    await until(() => this.log().includes(`Jail '${jail}' started`), 'Fail2ban is ready')
  }

  log(): string {
    try {
      return readFileSync(this.#places.logTarget, 'utf8')
    } catch {
      return ''
    }
  }

  /** One command of fail2ban-client, to its end. */
  command(...words: string[]): string {
    const where = ['-c', this.#places.dir, '-s', this.#places.socket, '-p', this.#places.pidFile]
    return spawnSync(client ?? '', [...where, ...words], { encoding: 'utf8' }).stdout
  }

  stop(): Promise<void> {
    return end(this.#child)
  }
}

/** Where Fail2ban's nftables actions put what they ban. */
export const fail2banTable = 'f2b-table'
export function fail2banSet(jail: string): string {
  return `addr-set-${jail}`
}
