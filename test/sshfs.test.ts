// A log on a real network file system: another machine's directory over SSHFS, as F2BDistro's nodes share theirs; here both machines are this one.
import assert from 'node:assert/strict'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runChild, startChild } from '../src/lib/child.js'
import { TailKit } from '../src/source/tail-kit.js'
import { waitUntil } from './kit/wait-until.js'

const programs = ['/usr/bin/sshfs', '/usr/sbin/sshd', '/usr/bin/ssh-keygen', '/usr/bin/fusermount3']
const missing = [...programs, '/dev/fuse'].find((file) => !existsSync(file))
const mayMount = (await runChild(['unshare', '--mount', 'true'], { timeoutMs: 5000 })).exitCode === 0
const skip =
  process.getuid?.() !== 0
    ? 'needs root'
    : missing !== undefined
      ? `${missing} is not there`
      : mayMount
        ? false
        : 'nothing may be mounted here'
const timeoutMs = 20_000

describe('a log on SSHFS', { skip }, () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-sshfs-'))
  const at = (name: string) => path.join(dir, name)
  const kit = new TailKit()
  const mount = at('mnt')
  const theirs = at('export/newbans.log')
  let sshd: ReturnType<typeof startChild> | undefined

  async function run(...argv: string[]): Promise<void> {
    const { exitCode, stderr } = await runChild(argv, { timeoutMs })
    assert.equal(exitCode, 0, `${argv.join(' ')}: ${stderr}`)
  }

  before(async () => {
    for (const name of ['export', 'mnt']) mkdirSync(at(name))
    mkdirSync('/run/sshd', { recursive: true })
    for (const name of ['host', 'user']) await run('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', at(name))
    writeFileSync(at('authorized'), readFileSync(at('user.pub')))
    const port = await freePort()
    writeFileSync(
      at('sshd_config'),
      `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${at('host')}\nAuthorizedKeysFile ${at('authorized')}\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPidFile none\nSubsystem sftp internal-sftp\n`,
    )
    sshd = startChild(['/usr/sbin/sshd', '-D', '-e', '-f', at('sshd_config')], { onStdout: () => {} })
    const options = `IdentityFile=${at('user')},StrictHostKeyChecking=no,UserKnownHostsFile=/dev/null`
    const mounting = ['sshfs', '-o', options, '-p', String(port), `root@127.0.0.1:${at('export')}`, mount]
    await waitUntil(async () => (await runChild(mounting, { timeoutMs })).exitCode === 0, 'it is mounted')
  })

  after(async () => {
    await kit.close()
    await runChild(['fusermount3', '-u', '-z', mount], { timeoutMs })
    sshd?.stop()
    await sshd?.ended
    rmSync(dir, { recursive: true, force: true })
  })

  /** Lets the tail look until it has read so much. The mount itself may keep what it knows for a second. */
  const read = (text: string) =>
    waitUntil(
      () => {
        kit.clock.turn(200)
        return kit.text === text
      },
      () => `${JSON.stringify(text)} is read, not ${JSON.stringify(kit.text)}`,
    )

  it('is polled without being told, and what other nodes write is read', async () => {
    writeFileSync(theirs, 'one\n')
    kit.follow(path.join(mount, 'newbans.log'))
    await read('one\n')
    appendFileSync(theirs, 'two\n')
    await read('one\ntwo\n')
    assert.match(
      kit.logged.join('\n'),
      /^WARNING filter \S+newbans\.log is on FUSE, where changes .* so it is polled$/m,
    )
  })

  it('is read from its begin after another node has rotated it', async () => {
    renameSync(theirs, `${theirs}.1`)
    writeFileSync(theirs, 'three, in a file that is longer than the one before\n')
    await read('one\ntwo\nthree, in a file that is longer than the one before\n')
    appendFileSync(theirs, 'four\n')
    await read('one\ntwo\nthree, in a file that is longer than the one before\nfour\n')
  })
})

/** Free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
