// Namespaces, processes and files of one demo, and their end. Used by demo.mjs.
import { spawn } from 'node:child_process'
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { styleText } from 'node:util'
import { root } from './ensure-installed.mjs'

/** TEST-NET-3 (RFC 5737): in these namespaces alone. */
export const attacker = '203.0.113.66'
export const server = '203.0.113.1'
export const bantimeS = 8
/** Everything together, what has to be installed and built before it aside. */
const demoMaxMs = 30_000
const signalExitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }
const tocsinProgram = [process.execPath, path.join(root, 'bin', 'tocsin')]
const endsProgram = path.join(root, 'scripts', 'demo-ends.mjs')

/** A step did not happen as told. */
export class StepFailed extends Error {}

/** Owns everything that a demo starts and makes: `clear` is the only place where it ends. */
export class Stage {
  exitCode
  bannedAt
  daemonSaid = []
  #startedAt = performance.now()
  #stop = new AbortController()
  #attackerNet = `tocsin-demo-${process.pid}-a`
  #serverNet = `tocsin-demo-${process.pid}-s`
  #dir = mkdtempSync(path.join(tmpdir(), 'tocsin-demo-'))
  #log = path.join(this.#dir, 'auth.log')
  #namespaces = []
  #children = []
  #attacker
  #banned = deferred()
  #unbanned = deferred()
  #timer

  constructor() {
    const end = (exitCode) => {
      this.exitCode ??= exitCode
      this.#stop.abort()
    }
    for (const [signal, code] of Object.entries(signalExitCodes)) process.on(signal, () => end(code))
    // Nobody reads any more: `npm run demo | head`, a closed terminal.
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => end(signalExitCodes.SIGHUP))
    this.#timer = setTimeout(() => this.#stop.abort(new StepFailed('it took longer than 30 s')), demoMaxMs)
  }

  get unbanned() {
    return this.#unbanned.promise
  }

  /** Why it was ended early, if by nobody's wish. */
  get reason() {
    const { aborted, reason } = this.#stop.signal
    return aborted && reason instanceof StepFailed ? reason.message : undefined
  }

  tell(kind, text) {
    const ms = `${(performance.now() - this.#startedAt).toFixed(0).padStart(7)} ms`
    const style = { good: 'green', bad: 'red', careful: 'yellow' }[kind]
    const isColoured = process.stdout.isTTY && !process.env.NO_COLOR
    if (!isColoured) console.log(`${ms}  ${text}`)
    else console.log(`${styleText('dim', ms)}  ${style === undefined ? text : styleText(style, text)}`)
  }

  async build() {
    writeFileSync(this.#log, '')
    writeConfig(this.#dir, this.#log)
    const [a, s] = [this.#attackerNet, this.#serverNet]
    for (const name of [a, s]) {
      this.#namespaces.push(name)
      await this.#must('ip', 'netns', 'add', name)
    }
    await this.#must('ip', '-n', a, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', s)
    await this.#addressIn(a, attacker)
    await this.#addressIn(s, server)
  }

  async startEnds() {
    const listener = this.#start(this.#serverNet, [process.execPath, endsProgram, 'server'])
    this.#attacker = this.#start(this.#attackerNet, [process.execPath, endsProgram, 'attacker', server])
    await this.#line(listener, 5000, 'nobody listens on port 22 of the server', (line) => line === 'listening')
  }

  /** The kernel's own word, by way of `nft monitor`, that an address is in a set. */
  async startMonitor() {
    const child = this.#start(this.#serverNet, ['nft', 'monitor'])
    const isElement = new RegExp(`^add element inet tocsin \\S+ \\{.*\\b${attacker.replaceAll('.', '\\.')}\\b`)
    child.lines.on('line', (line) => {
      if (this.bannedAt !== undefined || !isElement.test(line)) return
      this.bannedAt = performance.now()
      this.#banned.resolve()
    })
    // A table comes and goes until the monitor has seen it: from then on nothing escapes it.
    let isWaiting = true
    const seen = this.#line(child, 5000, 'nft monitor tells nothing', (line) => line.includes('tocsin-demo'))
    const done = () => {
      isWaiting = false
    }
    seen.then(done, done)
    while (isWaiting) await this.inServer('nft', 'add table inet tocsin-demo; delete table inet tocsin-demo')
    await seen
  }

  async startDaemon() {
    const child = this.#start(this.#serverNet, [...tocsinProgram, 'serve', '--verbose', '-c', this.#config()])
    child.lines.on('line', (line) => {
      this.daemonSaid.push(line)
      if (line.endsWith(`[sshd] Unban ${attacker}`)) this.#unbanned.resolve()
    })
    child.stderr.on('data', (text) => this.daemonSaid.push(`${text}`.trimEnd()))
    await this.#line(child, 10_000, 'the daemon was not ready', (line) => line.startsWith('Ready;'))
    const { kind, reason } = JSON.parse((await this.tocsin('status', '--json')).stdout).enforcement
    if (kind === 'simulate') throw new StepFailed(`the daemon only simulates: ${reason}`)
    this.tell('', `daemon follows the log and bans in the kernel, for ${bantimeS} s`)
  }

  /** One connection attempt from the attacker's namespace: `{ ok, why, ms }`. */
  async tryConnection() {
    const answer = this.#line(this.#attacker, 5000, 'the attacker does not answer', () => true)
    this.#attacker.stdin.write('connect\n')
    return JSON.parse(await answer)
  }

  appendToLog(text) {
    appendFileSync(this.#log, text)
  }

  async isBannedWithin(ms) {
    const late = new AbortController()
    const signal = AbortSignal.any([late.signal, this.#stop.signal])
    await Promise.race([this.#banned.promise, pause(ms, undefined, { signal })]).finally(() => late.abort())
    return this.bannedAt !== undefined
  }

  /** What the daemon knows of the newest ban of this address. */
  async why(address) {
    const { stdout } = await this.tocsin('why', address, '--json')
    return JSON.parse(stdout).bans[0]
  }

  tocsin(...words) {
    return this.inServer(...tocsinProgram, ...words, '-c', this.#config())
  }

  inServer(...argv) {
    return this.#run('ip', 'netns', 'exec', this.#serverNet, ...argv)
  }

  /** Rejects with the sentence after so long, and when the demo is ended. */
  async within(ms, promise, sentence) {
    const done = new AbortController()
    const signal = AbortSignal.any([done.signal, this.#stop.signal])
    const late = pause(ms, undefined, { signal }).then(() => Promise.reject(new StepFailed(sentence)))
    return Promise.race([promise, late]).finally(() => done.abort())
  }

  /** Ends what was started, whatever became of it; what is in a namespace goes with it. */
  async clear() {
    clearTimeout(this.#timer)
    for (const child of this.#children) child.kill('SIGKILL')
    await Promise.all(this.#children.map((child) => child.ended))
    for (const name of this.#namespaces) await runQuietly('ip', 'netns', 'del', name)
    rmSync(this.#dir, { recursive: true, force: true })
  }

  #config() {
    return path.join(this.#dir, 'config')
  }

  /** In a session of its own: Ctrl-C must reach it by way of `clear` only, when nobody needs it any more. */
  #start(namespace, argv) {
    this.#stop.signal.throwIfAborted()
    const child = spawn('ip', ['netns', 'exec', namespace, ...argv], {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    child.ended = new Promise((resolve) => {
      child.on('exit', resolve).on('error', resolve)
    })
    child.stdin.on('error', () => {})
    child.stderr.resume()
    child.lines = createInterface({ input: child.stdout })
    this.#children.push(child)
    return child
  }

  #line(child, ms, sentence, isIt) {
    let listen
    const found = new Promise((resolve, reject) => {
      listen = (line) => isIt(line) && resolve(line)
      child.lines.on('line', listen)
      child.ended.then(() => reject(new StepFailed(`${sentence}: it ended`)))
    })
    found.catch(() => {})
    return this.within(ms, found, sentence).finally(() => child.lines.off('line', listen))
  }

  async #addressIn(namespace, address) {
    await this.#must('ip', '-n', namespace, 'address', 'add', `${address}/24`, 'dev', 'eth0')
    for (const device of ['lo', 'eth0']) await this.#must('ip', '-n', namespace, 'link', 'set', device, 'up')
  }

  async #run(...argv) {
    this.#stop.signal.throwIfAborted()
    const result = await runQuietly(...argv)
    this.#stop.signal.throwIfAborted()
    return result
  }

  async #must(...argv) {
    const { code, stderr } = await this.#run(...argv)
    if (code !== 0) throw new StepFailed(`${argv.join(' ')} gave exit code ${code}: ${stderr.trim()}`)
  }
}

function deferred() {
  let resolve
  const promise = new Promise((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** The shipped configuration with its sshd jail on our log, and everything that it names in our directory. */
function writeConfig(dir, logpath) {
  const config = path.join(dir, 'config')
  cpSync(path.join(root, 'config'), config, { recursive: true })
  const places = { socket: 'f.sock', pidfile: 'pid', dbfile: 'bans.sqlite3', logtarget: 'tocsin.log' }
  const own = Object.entries(places).map(([key, name]) => `${key} = ${path.join(dir, name)}\n`)
  writeFileSync(path.join(config, 'fail2ban.local'), `[Definition]\n${own.join('')}`)
  const jails = [...readFileSync(path.join(config, 'jail.conf'), 'utf8').matchAll(/^\[(.+)\]$/gm)].map(
    ([, name]) => name,
  )
  // The others would read this machine's real logs.
  const off = jails.filter((jail) => !['DEFAULT', 'INCLUDES', 'sshd'].includes(jail))
  writeFileSync(
    path.join(config, 'jail.local'),
    `[DEFAULT]\nbantime = ${bantimeS}s\n\n[sshd]\nlogpath = ${logpath}\n${off.map((jail) => `\n[${jail}]\nenabled = false\n`).join('')}`,
  )
}

/** Runs a program to its end. Not in our process group: Ctrl-C must not cut it off half way. */
export function runQuietly(program, ...args) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (text) => {
      stdout += text
    })
    child.stderr.on('data', (text) => {
      stderr += text
    })
    child.on('error', (error) => resolve({ code: -1, stdout, stderr: error.message }))
    child.on('close', (code) => resolve({ code, stdout, stderr }))
  })
}
