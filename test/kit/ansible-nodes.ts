import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { enterOwnNetwork, Network } from '../../src/firewall/own-network.js'
import { type ChildResult, runChild } from '../../src/lib/child.js'
import { atTheEnd } from './daemon-kit.js'
import { bootCommand, cleanUpCommand, layers } from './node-boot.js'
import { waitUntil } from './wait-until.js'

const root = path.resolve(import.meta.dirname, '../..')
const programs = [
  '/usr/bin/ansible-playbook',
  '/usr/sbin/sshd',
  '/usr/bin/ssh',
  '/usr/sbin/nats-server',
  '/usr/bin/nsenter',
  '/usr/bin/fail2ban-client',
]
const missing = programs.find((file) => !existsSync(file))
const playTimeoutMs = 150_000
const timeoutMs = 20_000
const bootTimeoutMs = 20_000

/** Why there can be no such machines here. The process is in a network of its own from now on: the one that Ansible runs in. */
export const withoutNodes =
  missing === undefined ? ((await enterOwnNetwork()) ?? (await withoutLayers())) : `${missing} is not there`

/** The hosts that playbooks are run on, and the side that runs them. */
export class AnsibleSite {
  readonly dir = mkdtempSync(path.join(tmpdir(), 'tocsin-site-'))
  readonly #here = Network.current()
  #plays = 0

  constructor() {
    atTheEnd(() => rmSync(this.dir, { recursive: true, force: true }))
  }

  at(name: string): string {
    return path.join(this.dir, name)
  }

  async prepare(): Promise<void> {
    for (const key of ['host', 'user']) await good(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', this.at(key)])
    await this.#here.ip(
      'link set lo up',
      'link add site type bridge',
      'addr add 198.18.0.254/24 dev site',
      'link set site up',
    )
  }

  /** Rejects when systemd is asked for and does not run here. */
  async node(name: string, address: string, { hasSystemd = false } = {}): Promise<AnsibleNode> {
    const network = Network.another()
    await this.#here.ip(
      `link add ${name} type veth peer name eth0 netns ${network.path}`,
      `link set ${name} master site up`,
    )
    await network.ip('link set lo up', `addr add ${address}/24 dev eth0`, 'link set eth0 up')
    try {
      return await AnsibleNode.start({ dir: this.at(name), keys: this.dir, address, network, hasSystemd })
    } catch (error) {
      await this.#here.ip(`link del ${name}`)
      throw error
    }
  }

  /** Runs ansible/site.yml; the words are further arguments. */
  async play(inventory: object, ...words: string[]): Promise<ChildResult> {
    writeFileSync(this.at('inventory.json'), JSON.stringify(inventory))
    const ssh = `-o ControlMaster=auto -o ControlPersist=10s -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o IdentitiesOnly=yes -i ${this.at('user')}`
    const env = () => ({
      PATH: process.env.PATH,
      LC_ALL: 'C.UTF-8',
      HOME: this.dir,
      ANSIBLE_HOME: this.at('ansible'),
      ANSIBLE_PIPELINING: '1',
      ANSIBLE_SSH_ARGS: ssh,
      // A play's own: connections that are kept past the end of a play have hung in the next.
      ANSIBLE_SSH_CONTROL_PATH_DIR: this.at(`c${++this.#plays}`),
      ANSIBLE_NOCOLOR: '1',
    })
    const argv = ['ansible-playbook', '-i', this.at('inventory.json'), path.join(root, 'ansible/site.yml'), ...words]
    const result = await runChild(argv, { timeoutMs: playTimeoutMs, env: env() })
    // NOTE: on a machine under load ansible-playbook 2.14 has hung between two tasks, 3 times in some 80 plays; not understood. What an
    // interrupted run has left is made good by the next, which is the role's promise anyway.
    return result.timedOut ? runChild(argv, { timeoutMs: playTimeoutMs, env: env() }) : result
  }
}

/** A machine with sshd in network, mount and process namespaces of its own: what is written there is in `layers` and goes with it. */
export class AnsibleNode {
  readonly #dir: string
  readonly #pid: number

  private constructor(dir: string, pid: number) {
    this.#dir = dir
    this.#pid = pid
  }

  static async start(options: {
    dir: string
    keys: string
    address: string
    network: Network
    hasSystemd: boolean
  }): Promise<AnsibleNode> {
    const { dir, keys, address, network, hasSystemd } = options
    for (const layer of layers)
      for (const part of ['upper', 'work']) mkdirSync(path.join(dir, part, layer), { recursive: true })
    writeFileSync(
      path.join(dir, 'sshd_config'),
      `ListenAddress ${address}\nHostKey ${keys}/host\nAuthorizedKeysFile ${keys}/user.pub\nStrictModes no\nUsePAM no\nUseDNS no\nPermitRootLogin yes\nPidFile none\nSubsystem sftp internal-sftp\n`,
    )
    const name = path.basename(dir)
    const [file = '', ...args] = bootCommand({ dir, name, network: network.path, hasSystemd })
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    for (const output of [child.stdout, child.stderr])
      output.on('data', (piece) => {
        said += piece
      })
    const ended = new Promise((resolve) => child.once('close', resolve))
    const end = async () => {
      child.kill('SIGKILL')
      await ended
      await waitUntil(async () => (await runChild(cleanUpCommand(name), { timeoutMs })).exitCode === 0, 'it is gone')
    }
    try {
      await waitUntil(
        async () => child.exitCode !== null || (await answers(address)),
        () => `${name} lets us in: ${said}`,
        bootTimeoutMs,
      )
      assert.equal(child.exitCode, null, said)
    } catch (error) {
      await end()
      throw error
    }
    atTheEnd(end)
    const [pid] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ')
    return new AnsibleNode(dir, Number(pid))
  }

  /** A file of this machine, as it sees it. */
  file(name: string): string {
    return `/proc/${this.#pid}/root${name}`
  }

  run(...argv: string[]): Promise<ChildResult> {
    return runChild(['nsenter', '--target', String(this.#pid), '--net', '--mount', '--pid', ...argv], {
      timeoutMs,
    })
  }

  /** All that was written in its layers and is there yet, but for root's home, where Ansible works. */
  written(): string[] {
    const upper = path.join(this.#dir, 'upper')
    return readdirSync(upper, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() || entry.isSymbolicLink())
      .map((entry) => `/${path.relative(upper, path.join(entry.parentPath, entry.name))}`)
      .filter((name) => !name.startsWith('/root/'))
      .sort()
  }
}

async function good(argv: string[]): Promise<void> {
  const { exitCode, stderr } = await runChild(argv, { timeoutMs })
  assert.equal(exitCode, 0, `${argv.join(' ')}: ${stderr}`)
}

/** Whether sshd is there. */
function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(22, address)
    const settle = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(1000, () => settle(false))
    socket.once('connect', () => settle(true)).once('error', () => settle(false))
  })
}

/** Containers and sandboxes may keep even root from namespaces and overlays of his own. */
async function withoutLayers(): Promise<string | false> {
  const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-layers-'))
  for (const part of ['upper', 'work']) mkdirSync(path.join(dir, part))
  const inside = `mount --make-rprivate / && mount -t overlay overlay -o lowerdir=/etc,upperdir=${dir}/upper,workdir=${dir}/work /etc && mount --bind /usr /usr && mount -o remount,bind,ro /usr`
  const argv = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', inside]
  const { exitCode, stderr } = await runChild(argv, { timeoutMs })
  rmSync(dir, { recursive: true, force: true })
  return exitCode === 0 ? false : `no machines of namespaces and layers here: ${stderr.trim()}`
}
