import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { startChild } from '../../lib/child.js'
import { type Clock, systemClock } from '../../lib/clock.js'
import { silentLog } from '../../lib/log.js'
import { ServerKit, withoutServer } from './server-kit.js'
import { ServerLog } from './server-log.js'
import { findServerProgram } from './server-program.js'
import { reloadServer, SupervisedServer } from './supervise.js'

const kits: ServerKit[] = []
after(async () => {
  for (const kit of kits) await kit.close()
})
/** Does not wait, but keeps the test alive until then. */
const atOnce: Clock = {
  now: () => 0,
  after: (_, task) => {
    const timer = setTimeout(task, 0)
    return () => clearTimeout(timer)
  },
}
async function started(): Promise<ServerKit> {
  const kit = new ServerKit()
  kits.push(kit)
  return kit.start()
}

describe('the supervised server', { skip: withoutServer }, () => {
  it('is started again after it was killed', async () => {
    const kit = await started()
    const first = Number(readFileSync(kit.pidFile, 'utf8'))
    await kit.server?.close()
    let reason = ''
    let readies = 0
    await new Promise<void>((resolve, reject) => {
      const { configFile, pidFile } = kit
      const supervised = new SupervisedServer({
        configFile,
        pidFile,
        log: silentLog,
        clock: atOnce,
        onDown: (text) => {
          reason = text
        },
        onReady: () => {
          readies++
          if (readies === 1) process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL')
          else resolve()
        },
      })
      kit.server = supervised
      supervised.start().catch(reject)
    })
    assert.match(reason, /^nats-server ended \(SIGKILL\).*started again in 0\.5 s$/)
    assert.notEqual(first, Number(readFileSync(kit.pidFile, 'utf8')))
  })

  it('ends one that outlived a killed daemon, which holds the port', async () => {
    const kit = await started()
    const orphan = kit.server
    kit.server = undefined
    const before = Number(readFileSync(kit.pidFile, 'utf8'))
    await orphan?.close()
    const ready = new Promise<void>((resolve) => {
      const child = startChild(['/bin/sh', '-c', `exec nats-server -c ${kit.configFile} 2>&1`], {
        onStdout: (piece) => {
          if (piece.includes('Server is ready')) resolve()
        },
      })
      void child.ended
    })
    await ready
    const left = Number(readFileSync(kit.pidFile, 'utf8'))
    await new Promise<void>((resolve, reject) => {
      const { configFile, pidFile } = kit
      const events = { onReady: resolve, onDown: (reason: string) => reject(new Error(reason)) }
      kit.server = new SupervisedServer({ configFile, pidFile, log: silentLog, clock: systemClock, ...events })
      kit.server.start().catch(reject)
    })
    assert.equal(new Set([before, left, Number(readFileSync(kit.pidFile, 'utf8'))]).size, 3)
  })

  it('says why it cannot run', async () => {
    const kit = await started()
    await kit.server?.close()
    const squatter = createServer().listen(kit.port, '127.0.0.1')
    const reason = await new Promise<string>((resolve, reject) => {
      const { configFile, pidFile } = kit
      const clock = { now: () => 0, after: () => () => {} }
      kit.server = new SupervisedServer({ configFile, pidFile, log: silentLog, clock, onDown: resolve })
      kit.server.start().catch(reject)
    })
    squatter.close()
    assert.match(reason, /exit code 1.*address already in use/)
  })

  it('does not signal a stranger that has its number now', async () => {
    const kit = await started()
    await kit.server?.close()
    const { pidFile, configFile } = kit
    assert.equal(reloadServer({ pidFile, configFile }), false)
  })
})

describe('the program nats-server', () => {
  it('is named with the command that installs it when it is missing', async () => {
    const empty = mkdtempSync(path.join(tmpdir(), 'tocsin-none-'))
    const found = await findServerProgram(empty).catch((error: Error) => error.message)
    rmSync(empty, { recursive: true })
    if (typeof found === 'string') assert.match(found, /no program nats-server in .*apt-get install nats-server$/)
    else assert.match(found.file, /^\/usr\/(?:local\/)?s?bin\//)
  })
})

describe("the server's log", () => {
  it('keeps lines short, counts a flood, and remembers what was fatal', () => {
    let nowMs = 60_000
    const written: string[] = []
    const log = {
      isOn: () => true,
      write: (level: string, _: string, text: string) => written.push(`${level} ${text}`),
    }
    let readies = 0
    const serverLog = new ServerLog(log, { now: () => nowMs, after: () => () => {} }, () => readies++)
    serverLog.take(Buffer.from('[7] 2026/11/21 08:20:01.123456 [INF] Server is re'))
    serverLog.take(Buffer.from('ady\n[7] 2026/11/21 08:20:01.123456 [FTL] no port\n'))
    assert.deepEqual(written, ['DEBUG nats-server: Server is ready', 'ERROR nats-server: no port'])
    assert.equal(readies, 1)
    assert.equal(serverLog.lastTrouble, 'no port')
    for (let i = 0; i < 1000; i++) serverLog.take(Buffer.from(`${'x'.repeat(2000)}\n`))
    assert.equal(written.length, 60)
    assert(written.every((line) => line.length < 600))
    nowMs += 60_000
    serverLog.take(Buffer.from('again\n'))
    assert.deepEqual(written.slice(60), [
      'INFO nats-server said 942 more lines in a minute',
      'DEBUG nats-server: again',
    ])
  })
})
