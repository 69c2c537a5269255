import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { runChild, startChild } from '../../src/lib/child.js'
import { waitUntil } from './wait-until.js'

const programs = ['/usr/bin/sshfs', '/usr/sbin/sshd', '/usr/bin/ssh-keygen', '/usr/bin/fusermount3']
const missing = [...programs, '/dev/fuse'].find((file) => !existsSync(file))
const mayMount = (await runChild(['unshare', '--mount', 'true'], { timeoutMs: 5000 })).exitCode === 0
const timeoutMs = 20_000

/** Why no directory can be mounted over SSHFS here. */
export const withoutSshfs =
  process.getuid?.() !== 0
    ? 'needs root'
    : missing !== undefined
      ? `${missing} is not there`
      : mayMount
        ? false
        : 'nothing may be mounted here'

/** A directory of "another machine", which is this one, and mounts of it over SSHFS, each by a connection of its own with a throw-away key. */
export class LoopbackSshfs {
  readonly #dir = mkdtempSync(path.join(tmpdir(), 'tocsin-sshfs-'))
  /** The directory itself, on the machine that serves it. */
  readonly exported = this.#at('export')
  readonly #mounts: string[] = []
  #port = 0
  #goOn = () => {}
  #sshd: ReturnType<typeof startChild> | undefined

  async start(): Promise<this> {
    mkdirSync(this.exported)
    mkdirSync('/run/sshd', { recursive: true })
    for (const name of ['host', 'user']) await run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', this.#at(name))
    writeFileSync(this.#at('authorized'), readFileSync(this.#at('user.pub')))
    this.#port = await freePort()
    const settings = [
      `Port ${this.#port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${this.#at('host')}`,
      `AuthorizedKeysFile ${this.#at('authorized')}`,
      'StrictModes no',
      'UsePAM no',
      'PermitRootLogin yes',
      `PidFile ${this.#at('sshd.pid')}`,
      'Subsystem sftp internal-sftp',
    ]
    writeFileSync(this.#at('sshd_config'), `${settings.join('\n')}\n`)
    this.#sshd = startChild(['/usr/sbin/sshd', '-D', '-e', '-f', this.#at('sshd_config')], { onStdout: () => {} })
    return this
  }

  /** Where it is to be found, as another machine sees it. */
  async mount(name: string): Promise<string> {
    const point = this.#at(name)
    mkdirSync(point)
    this.#mounts.push(point)
    const options = `IdentityFile=${this.#at('user')},StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null`
    const mounting = ['sshfs', '-o', options, '-p', String(this.#port), `root@127.0.0.1:${this.exported}`, point]
    await waitUntil(async () => (await runChild(mounting, { timeoutMs })).exitCode === 0, `${name} is mounted`)
    return point
  }

  /** The other machine answers no more, and says nothing of it; the returned function ends that. */
  hang(): () => void {
    const sessions = descendants(Number(readFileSync(this.#at('sshd.pid'), 'utf8')))
    assert.ok(sessions.length > 0, 'there are sessions')
    for (const pid of sessions) process.kill(pid, 'SIGSTOP')
    this.#goOn = () => {
      for (const pid of sessions.splice(0)) process.kill(pid, 'SIGCONT')
    }
    return this.#goOn
  }

  async end(): Promise<void> {
    this.#goOn()
    for (const point of this.#mounts) await runChild(['fusermount3', '-u', '-z', point], { timeoutMs })
    this.#sshd?.stop()
    await this.#sshd?.ended
    rmSync(this.#dir, { recursive: true, force: true })
  }

  #at(name: string): string {
    return path.join(this.#dir, name)
  }
}

async function run(...argv: string[]): Promise<void> {
  const { exitCode, stderr } = await runChild(argv, { timeoutMs })
  assert.equal(exitCode, 0, `${argv.join(' ')}: ${stderr}`)
}

function descendants(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number)
  return children.flatMap((child) => [child, ...descendants(child)])
}

/** Free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
