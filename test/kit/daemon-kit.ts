import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { after } from 'node:test'
import { ask } from '../../src/api/client.js'
import type { BanView, Explanation, JailStatus, Status } from '../../src/api/operations.js'
import { type ChildResult, runChild } from '../../src/lib/child.js'
import { build, root } from './build.js'
import { copyConfiguration, stockDir } from './stock-configuration.js'
import { waitUntil } from './wait-until.js'

const launcher = path.join(root, 'bin/tocsin')
const commandTimeoutMs = 40_000
await build()

const bases = { shipped: path.join(root, 'config'), debian: stockDir }

/** Why a story on Debian's own configuration cannot be told here. */
export const withoutDebian = existsSync(`${stockDir}/jail.conf`) ? false : `fail2ban is not installed: no ${stockDir}`
export const withoutRoot = process.getuid?.() === 0 ? false : 'needs root'

/** Whatever else a story leaves behind: ends with it, the newest first. */
const undo: (() => unknown)[] = []
after(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})
export function atTheEnd(step: () => unknown): void {
  undo.push(step)
}

export interface HouseOptions {
  base?: keyof typeof bases
  /** jail.local. Without it nothing but sshd is enabled, on `auth.log`. */
  jails?: string
  /** Further lines of fail2ban.local. */
  server?: string
  /** tocsin.local. */
  own?: string
}

/** One daemon's directory: a copy of a configuration, the log it follows, and everything it keeps. */
export class House {
  readonly dir = mkdtempSync(path.join(tmpdir(), 'tocsin-story-'))
  readonly config = this.at('config')
  readonly socket = this.at('run/tocsin.sock')
  readonly pidFile = this.at('run/tocsin.pid')
  readonly database = this.at('state/bans.sqlite3')
  readonly log = this.at('tocsin.log')
  readonly authLog = this.at('auth.log')

  constructor({ base = 'shipped', jails = onlySshd(), server = '', own }: HouseOptions = {}) {
    atTheEnd(() => {
      endThoseWithin(this.dir)
      rmSync(this.dir, { recursive: true, force: true })
    })
    copyConfiguration(bases[base], this.config)
    mkdirSync(this.at('state'))
    this.write('config/jail.local', jails)
    this.write(
      'config/fail2ban.local',
      `[Definition]\nsocket = ${this.at('run/fail2ban.sock')}\npidfile = ${this.pidFile}\ndbfile = ${this.database}\nlogtarget = ${this.log}\n${server}\n`,
    )
    if (own !== undefined) this.write('config/tocsin.local', own)
    this.write('auth.log', '')
  }

  at(name: string): string {
    return path.join(this.dir, name)
  }

  /** `DIR` in the text stands for this house's directory. */
  write(name: string, text: string): void {
    mkdirSync(path.dirname(this.at(name)), { recursive: true })
    writeFileSync(this.at(name), text.replaceAll('DIR', this.dir))
  }

  append(text: string | Buffer, name = 'auth.log'): void {
    appendFileSync(this.at(name), text)
  }

  read(name = 'tocsin.log'): string {
    return existsSync(this.at(name)) ? readFileSync(this.at(name), 'utf8') : ''
  }

  /** What must not be there when nothing runs. */
  leftBehind(): string[] {
    return [this.socket, this.pidFile].filter((file) => existsSync(file))
  }

  tocsin(...words: string[]): Promise<ChildResult> {
    return tocsin(...words, '-c', this.config)
  }

  /** Runs a command at a terminal, and types something when it has said something. Returns all that stood there. */
  async atTerminal(words: readonly string[], when: string, typed: string): Promise<string> {
    const line = [process.execPath, launcher, ...words, '-c', this.config].map((word) => `'${word}'`).join(' ')
    const child = spawn('/usr/bin/script', ['-qec', line, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] })
    atTheEnd(() => child.kill('SIGKILL'))
    let said = ''
    child.stdout.on('data', (part) => {
      const before = said
      said += part
      if (said.includes(when) && !before.includes(when)) child.stdin.write(typed)
    })
    await once(child, 'close')
    return said
  }

  /** What a command prints with `--json`; it must have worked. */
  async json<T>(...words: string[]): Promise<T> {
    const { exitCode, stdout, stderr } = await this.tocsin(...words, '--json')
    assert.equal(exitCode, 0, stdout + stderr)
    return JSON.parse(stdout) as T
  }

  status(): Promise<Status> {
    return ask(this.socket, '/v1/status')
  }

  jail(name = 'sshd'): Promise<JailStatus> {
    return ask(this.socket, `/v1/jails/${name}`)
  }

  bans(): Promise<BanView[]> {
    return ask(this.socket, '/v1/bans')
  }

  why(ip: string): Promise<Explanation> {
    return ask(this.socket, `/v1/why/${encodeURIComponent(ip)}`)
  }

  async isBanned(ip: string, jail?: string): Promise<boolean> {
    return (await this.bans()).some((ban) => ban.ip === ip && (jail === undefined || ban.jail === jail))
  }

  untilBanned(ip: string, jail?: string): Promise<void> {
    return waitUntil(
      () => this.isBanned(ip, jail),
      () => `${ip} is banned; the log says:\n${this.read()}`,
    )
  }

  untilFree(ip: string): Promise<void> {
    return waitUntil(async () => !(await this.isBanned(ip)), `${ip} is banned no more`)
  }

  /** Resolves when the jail has counted so many failures since its start. */
  async untilCounted(count: number, jail = 'sshd'): Promise<void> {
    let seen = -1
    const hasAll = async () => {
      seen = (await this.jail(jail)).totalFailed
      return seen >= count
    }
    await waitUntil(
      hasAll,
      () => `${jail} has counted ${count} failures, it has ${seen}; the log says:\n${this.read()}`,
    )
    assert.equal(seen, count, this.read())
  }

  untilLogged(words: string | RegExp): Promise<void> {
    const has = () => (typeof words === 'string' ? this.read().includes(words) : words.test(this.read()))
    return waitUntil(has, () => `the log has ${words}; it has:\n${this.read()}`)
  }

  /** Runs `tocsin serve` until it is ready. */
  async serve(...words: string[]): Promise<DaemonProcess> {
    const daemon = new DaemonProcess(['serve', '-c', this.config, ...words])
    await daemon.untilSaid('Ready;')
    return daemon
  }
}

/** Also when the test itself ends early. */
const running = new Set<{ kill(signal: NodeJS.Signals): unknown }>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** A broker outlives the daemon that was killed, as it is meant to; nobody else starts it with a file of this directory. */
function endThoseWithin(dir: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      if (words.some((word) => word.startsWith(`${dir}/`))) process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** A running `tocsin serve`. What is still running at the end of the test file is killed. */
export class DaemonProcess {
  output = ''
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  #end: number | string | undefined

  constructor(words: readonly string[]) {
    this.#child = spawn(process.execPath, [launcher, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.on('data', (part) => {
        this.output += part
      })
    this.ended = once(this.#child, 'exit').then(([code, signal]) => {
      this.#end = code ?? signal
      return code ?? signal
    })
    running.add(this.#child)
    this.#child.once('exit', () => running.delete(this.#child))
    atTheEnd(() => {
      this.#child.kill('SIGKILL')
      return this.ended
    })
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  async untilSaid(words: string, times = 1): Promise<void> {
    const has = () => this.output.split(words).length > times || this.#end !== undefined
    await waitUntil(has, () => `the daemon says "${words}"; it said:\n${this.output}`)
    assert.ok(this.output.split(words).length > times, `the daemon ended with ${this.#end} and said:\n${this.output}`)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Sends the signal and waits for the end. */
  end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string> {
    this.signal(signal)
    return this.ended
  }
}

/** Runs one command line of ours. */
export function tocsin(...words: string[]): Promise<ChildResult> {
  return runChild([process.execPath, launcher, ...words], { timeoutMs: commandTimeoutMs })
}

/** jail.local: sshd on `auth.log` with these options, every other shipped jail switched off. */
export function onlySshd(options = 'maxretry = 3'): string {
  const others = ['nginx-http-auth', 'nginx-bad-request', 'apache-auth', 'apache-bad-request', 'recidive']
  const off = others.map((jail) => `[${jail}]\nenabled = false`)
  const log = options.includes('logpath') ? [] : ['logpath = DIR/auth.log']
  return ['[sshd]', 'enabled = true', 'backend = auto', ...log, options, ...off, ''].join('\n')
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
let connection = 40_000

/** A line of sshd as syslog writes it, dated now, with a line feed. */
export function sshdLine(text: string): string {
  const now = new Date()
  const two = (n: number) => String(n).padStart(2, '0')
  const day = `${months[now.getMonth()]} ${String(now.getDate()).padStart(2)}`
  const time = `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`
  return `${day} ${time} web sshd[${++connection}]: ${text}\n`
}

/** Wrong passwords from this address. */
export function failures(ip: string, count = 1, user = 'root'): string {
  const line = () => sshdLine(`Failed password for ${user} from ${ip} port ${++connection % 60_000} ssh2`)
  return Array.from({ length: count }, line).join('')
}
