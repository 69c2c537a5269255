import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('../scripts/demo.mjs', import.meta.url))
const isRoot = process.getuid?.() === 0
const nobody = { ...(isRoot && { uid: 65534, gid: 65534 }), encoding: 'utf8' } as const
const skip = whyNot() ?? false

describe('npm run demo', { skip, concurrency: true }, () => {
  it('shows a connection that works, is dropped, and works again', async () => {
    const demo = new Demo()
    const { code, stderr } = await demo.end()
    assert.equal(code, 0, `${demo.stdout}${stderr}`)
    const steps = [
      /each in a network namespace/,
      /a connection to port 22 from 203\.0\.113\.66 works/,
      /log: .*Failed password for root from 203\.0\.113\.66/,
      /ban: 203\.0\.113\.66 is in the kernel's set [\d.]+ ms after the deciding line/,
      /a connection from 203\.0\.113\.66 has no answer after \d+ ms: [1-9]\d* packets dropped/,
      /ban ends [\d.]+ s after/,
      /the next connection from 203\.0\.113\.66 works/,
      /its table is gone/,
      /every step happened as told/,
    ]
    assert.deepEqual(demo.inOrder(steps), steps)
    demo.leavesNothing()
  })

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    it(`leaves nothing behind after ${signal} in the middle`, async () => {
      const demo = new Demo()
      await demo.says('log: ')
      demo.child.kill(signal)
      assert.equal((await demo.end()).code, code)
      demo.leavesNothing()
    })

  it('leaves nothing behind when its output is closed', async () => {
    const demo = new Demo()
    await demo.says('log: ')
    demo.child.stdout?.destroy()
    assert.equal((await demo.end()).code, 129)
    demo.leavesNothing()
  })

  it('ends with exit code 1 and leaves nothing behind when no ban comes', async () => {
    const demo = new Demo('Nov 21 05:00:00 web1 sshd[7]: Server listening on 192.0.2.9 port 22.\n')
    assert.equal((await demo.end()).code, 1)
    assert.match(demo.stdout, /failed: no ban of 203\.0\.113\.66 came into the kernel/)
    demo.leavesNothing()
  })
})

describe('npm run demo without root', { skip: whyNotAsNobody() ?? false }, () => {
  it('says in one sentence what to do', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [script], nobody)
    assert.deepEqual({ status, stdout }, { status: 1, stdout: '' })
    assert.match(stderr, /^tocsin demo: cannot run: .*run it as root: sudo npm run demo\n$/)
  })
})

/** One run in a temporary directory and an environment of its own, by which everything that it starts is known. */
class Demo {
  readonly child: ChildProcess
  stdout = ''
  readonly #dir = mkdtempSync(path.join(tmpdir(), 'demo-test-'))
  readonly #mark = `TOCSIN_DEMO_TEST=${path.basename(this.#dir)}`
  #stderr = ''

  constructor(log?: string) {
    const file = path.join(this.#dir, 'given.log')
    if (log !== undefined) writeFileSync(file, log)
    const [name, value] = this.#mark.split('=')
    const env = { ...process.env, TMPDIR: this.#dir, [name ?? '']: value }
    this.child = spawn(process.execPath, [script, ...(log === undefined ? [] : [file])], { env })
    this.child.stdout?.on('data', (text) => {
      this.stdout += text
    })
    this.child.stderr?.on('data', (text) => {
      this.#stderr += text
    })
  }

  async says(text: string): Promise<void> {
    const { stdout } = this.child
    assert(stdout)
    const ended = once(stdout, 'end')
    while (!this.stdout.includes(text)) {
      await Promise.race([once(stdout, 'data'), ended])
      assert(!stdout.readableEnded, `It ended before it said "${text}": ${this.stdout}${this.#stderr}`)
    }
  }

  async end(): Promise<{ code: number; stderr: string }> {
    const [code] = await once(this.child, 'exit')
    return { code, stderr: this.#stderr }
  }

  /** Those of the patterns that the output shows, each behind the one before it. */
  inOrder(patterns: readonly RegExp[]): RegExp[] {
    let rest = this.stdout
    return patterns.filter((pattern) => {
      const found = pattern.exec(rest)
      if (found !== null) rest = rest.slice(found.index)
      return found !== null
    })
  }

  leavesNothing(): void {
    const namespaces = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout
    assert.doesNotMatch(namespaces, new RegExp(`tocsin-demo-${this.child.pid}-`))
    assert.deepEqual(processesWith(this.#mark), [])
    assert.deepEqual(
      readdirSync(this.#dir).filter((name) => name !== 'given.log'),
      [],
    )
    rmSync(this.#dir, { recursive: true })
  }
}

function processesWith(mark: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(mark)
    } catch {
      return false // It has ended meanwhile.
    }
  })
}

function whyNot(): string | undefined {
  if (!isRoot) return 'needs root'
  for (const program of ['ip', 'nft'])
    if (spawnSync(program, ['-V']).status !== 0) return `needs the ${program} command`
  const tried = spawnSync('unshare', ['--net', 'nft', 'add', 'table', 'inet', 'probe'], { encoding: 'utf8' })
  return tried.status === 0 ? undefined : `needs network namespaces with nftables: ${tried.stderr.trim()}`
}

function whyNotAsNobody(): string | undefined {
  const reads = spawnSync(process.execPath, ['--check', script], nobody)
  return reads.status === 0 ? undefined : 'needs a checkout that everybody may read'
}
