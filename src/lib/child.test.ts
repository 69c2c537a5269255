import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { runChild, startChild } from './child.js'

const timeoutMs = 20_000
const sh = (script: string) => ['/bin/sh', '-c', script]

describe('runChild', () => {
  it('gives exit code and both outputs', async () => {
    const result = await runChild(sh('echo out; echo err >&2; exit 3'), { timeoutMs })
    assert.deepEqual(result, { exitCode: 3, stdout: 'out\n', stderr: 'err\n', timedOut: false })
  })

  it('hands arguments over as they are, without a shell', async () => {
    const result = await runChild(['/bin/echo', '$(id); `id` * "x"'], { timeoutMs })
    assert.equal(result.stdout, '$(id); `id` * "x"\n')
  })

  it('feeds standard input and closes it', async () => {
    assert.equal((await runChild(['/bin/cat'], { timeoutMs, stdin: 'häh\n' })).stdout, 'häh\n')
    assert.equal((await runChild(['/bin/cat'], { timeoutMs })).stdout, '')
  })

  it('does not mind a child that never reads its input', async () => {
    const result = await runChild(['/bin/true'], { timeoutMs, stdin: 'x'.repeat(1 << 22) })
    assert.equal(result.exitCode, 0)
  })

  it('drops what is beyond the bound, but lets the child write it', async () => {
    const script = 'head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; exit 5'
    const result = await runChild(sh(script), { timeoutMs, outputBytesMax: 1000 })
    assert.deepEqual([result.exitCode, result.stdout.length, result.stderr.length], [5, 1000, 1000])
  })

  it('kills the whole group on a timeout, also those who ignore SIGTERM', async () => {
    const script = `trap '' TERM; (trap '' TERM; sleep 100) & echo $!; sleep 100; sleep 100`
    const result = await runChild(sh(script), { timeoutMs: 100 })
    assert.equal(result.timedOut, true)
    assert.equal(result.exitCode, undefined)
    assert.equal(result.signal, 'SIGKILL')
    assert.equal(isAlive(result.stdout.trim()), false)
  })

  it('ends on an abort, and does not start when it is already aborted', async () => {
    const controller = new AbortController()
    const running = runChild(['/bin/sleep', '100'], { timeoutMs, signal: controller.signal })
    controller.abort()
    assert.deepEqual(await running, { exitCode: undefined, signal: 'SIGTERM', stdout: '', stderr: '', timedOut: false })
    const late = await runChild(['/bin/echo', 'x'], { timeoutMs, signal: controller.signal })
    assert.deepEqual([late.exitCode, late.stdout], [undefined, ''])
  })

  it('does not wait for a grandchild that stays in the background with our pipes', async () => {
    const result = await runChild(sh('sleep 5 & echo started'), { timeoutMs })
    assert.deepEqual([result.exitCode, result.stdout, result.timedOut], [0, 'started\n', false])
  })

  it('says why a program could not be started', async () => {
    const missing = await runChild(['/nonexistent/program'], { timeoutMs })
    assert.equal(missing.exitCode, 127)
    assert.match(missing.stderr, /^Cannot start \/nonexistent\/program: .*ENOENT/)
    const forbidden = await runChild(['/etc/passwd'], { timeoutMs })
    assert.equal(forbidden.exitCode, 126)
    const nul = await runChild(['/bin/echo', 'a\0b'], { timeoutMs })
    assert.equal(nul.exitCode, 127)
    assert.match(nul.stderr, /null bytes/)
  })

  it('uses the given environment and directory', async () => {
    const result = await runChild(sh('echo "$A"; pwd'), { timeoutMs, env: { A: 'b' }, cwd: '/usr' })
    assert.equal(result.stdout, 'b\n/usr\n')
  })
})

describe('startChild', () => {
  it('hands over what the child prints and says how it ended', async () => {
    const pieces: Buffer[] = []
    const child = startChild(sh('echo one; echo two; echo wrong >&2; exit 3'), {
      onStdout: (piece) => pieces.push(piece),
    })
    assert.deepEqual(await child.ended, { exitCode: 3, stderr: 'wrong\n' })
    assert.equal(Buffer.concat(pieces).toString(), 'one\ntwo\n')
  })

  it('ends the whole group, and hands over nothing once it is stopped', async () => {
    let pieces = 0
    const script = `trap '' TERM; (trap '' TERM; while :; do echo x; done) & while :; do echo y; done`
    await new Promise<void>((resolve) => {
      const child = startChild(sh(script), {
        onStdout() {
          pieces++
          child.stop()
          resolve(child.ended.then((end) => assert.equal(end.signal, 'SIGKILL')))
        },
      })
    })
    assert.equal(pieces, 1)
  })

  it('says why a program could not be started', async () => {
    const missing = startChild(['/nonexistent/program'], { onStdout() {} })
    assert.match((await missing.ended).stderr, /^Cannot start \/nonexistent\/program: .*ENOENT/)
    missing.stop()
    const nul = startChild(['/bin/echo', 'a\0b'], { onStdout() {} })
    assert.equal((await nul.ended).exitCode, 127)
  })
})

/** A zombie is not alive: in a container nobody may reap it. */
function isAlive(pid: string): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
