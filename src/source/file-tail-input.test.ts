import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { makePipe } from '../../test/kit/make-pipe.js'
import { runChild } from '../lib/child.js'
import { remoteFileSystem } from './log-file-system.js'
import { TailKit } from './tail-kit.js'

let kit: TailKit
let log: string

beforeEach(() => {
  kit = new TailKit()
  log = kit.path('auth.log')
})
afterEach(() => kit.close())

const sha1 = (text: string) => createHash('sha1').update(text).digest('hex')

describe('a position over a restart', () => {
  it('goes on where it stopped, also in the middle of a line', async () => {
    writeFileSync(log, 'one\ntwo\nthr')
    const first = kit.follow(log)
    await kit.untilEvent('live')
    assert.deepEqual(first.position(), { firstLineSha1: sha1('one\n'), offset: 8 })
    assert.deepEqual(kit.chunks.at(-1)?.position, first.position())
    await first.close()
    const position = first.position()
    appendFileSync(log, 'ee\n')
    kit.chunks.length = 0
    kit.follow(log, { position })
    await kit.untilText('three\n')
    assert.equal(kit.text, 'three\n')
  })

  it('begins at the start of a file that is another one, or shorter', async () => {
    for (const position of [
      { firstLineSha1: sha1('zero\n'), offset: 4 },
      { firstLineSha1: sha1('one\n'), offset: 99 },
      { firstLineSha1: '', offset: 4 },
    ]) {
      kit.chunks.length = 0
      writeFileSync(log, 'one\ntwo\n')
      const tail = kit.follow(log, { position })
      await kit.untilText('two\n')
      assert.equal(kit.text, 'one\ntwo\n')
      await tail.close()
    }
  })

  it('is empty while there is no first line', async () => {
    writeFileSync(log, 'incomplete')
    const tail = kit.follow(log)
    await kit.untilEvent('live')
    assert.deepEqual(tail.position(), { firstLineSha1: '', offset: 0 })
    appendFileSync(log, '\n')
    await kit.untilText('incomplete\n')
    assert.deepEqual(tail.position(), { firstLineSha1: sha1('incomplete\n'), offset: 11 })
  })
})

describe('a log that is not there', () => {
  it('is read from its first line when it appears, directories and all', async () => {
    const deep = kit.path('a/b/c/app.log')
    kit.follow(deep, { start: 'tail' })
    await kit.untilEvent('waiting')
    mkdirSync(dirname(deep), { recursive: true })
    writeFileSync(deep, 'first\n')
    await kit.untilText('first\n')
    assert.equal(kit.chunks[0]?.live, true)
  })

  it('is found again when its directory is replaced', async () => {
    const path = kit.path('a/app.log')
    mkdirSync(kit.path('a'))
    writeFileSync(path, '1\n')
    kit.follow(path)
    await kit.untilText('1\n')
    rmSync(kit.path('a'), { recursive: true })
    mkdirSync(kit.path('a'))
    writeFileSync(path, '2\n')
    // The watch is on the directory that was; the slow look finds the new one.
    await new Promise<void>((resolve) => setImmediate(resolve))
    kit.clock.turn(1000)
    await kit.untilText('2\n')
    appendFileSync(path, '3\n')
    await kit.untilText('3\n')
    assert.equal(kit.text, '1\n2\n3\n')
  })

  it('is told of once when it cannot be read, and tried again', async () => {
    mkdirSync(log)
    const tail = kit.follow(log)
    await kit.untilEvent('unreadable')
    assert.match(
      kit.events[0]?.text ?? '',
      /^Cannot read .*auth\.log: it is not a regular file; it is tried again every second$/,
    )
    kit.clock.turn(5000)
    rmSync(log, { recursive: true })
    writeFileSync(log, 'a\n')
    await kit.untilEvent('live')
    assert.equal(kit.text, 'a\n')
    assert.equal(kit.events.filter(({ kind }) => kind === 'unreadable').length, 1)
    assert.equal(tail.stats.state, 'live')
  })

  it('does not wait for the writer of a FIFO in its place', async () => {
    await makePipe(log)
    kit.follow(log)
    await kit.untilEvent('unreadable')
  })

  it('is found by polling when that is wanted', async () => {
    const tail = kit.follow(log, { polling: true })
    await kit.untilEvent('waiting')
    writeFileSync(log, 'a\n')
    kit.clock.turn(200)
    await kit.untilText('a\n')
    appendFileSync(log, 'b\n')
    kit.clock.turn(200)
    await kit.untilText('b\n')
    renameSync(log, `${log}.1`)
    writeFileSync(log, 'c\n')
    kit.clock.turn(200)
    await kit.untilText('c\n')
    assert.equal(tail.stats.rotations, 1)
  })
})

describe('what stands in a log', () => {
  it('may be invalid UTF-8: told of once a day in the words of Fail2ban', async () => {
    writeFileSync(log, Buffer.concat([Buffer.from('good ü\n'), Buffer.from("bad \xff'\r\nbad \xfe\n", 'latin1')]))
    kit.follow(log)
    await kit.untilEvent('live')
    assert.equal(kit.text, "good ü\nbad \ufffd'\r\nbad \ufffd\n")
    const warnings = () => kit.logged.filter((line) => line.startsWith('WARNING'))
    assert.deepEqual(warnings(), [
      `WARNING filter Error decoding line from '${log}' with 'UTF-8'.`,
      'WARNING filter Consider setting logencoding to appropriate encoding for this jail. ' +
        `Continuing to process line ignoring invalid characters: b"bad \\xff'\\r\\n"`,
    ])
    kit.clock.turn(86_400_000)
    appendFileSync(log, Buffer.from('\xfd!\n', 'latin1'))
    await kit.untilText('\ufffd!\n')
    assert.equal(warnings().length, 4)
  })

  it('comes whole over the borders of what is read at once', async () => {
    const lines = Array.from({ length: 60_000 }, (_, i) => `${i} ä€😀 ${'x'.repeat(i % 50)}\n`).join('')
    writeFileSync(log, lines)
    const tail = kit.follow(log)
    await kit.untilEvent('live')
    assert.equal(kit.text, lines)
    assert(kit.chunks.length > 3 && kit.chunks.every(({ text, live }) => text.endsWith('\n') && !live))
    assert.equal(tail.position().offset, Buffer.byteLength(lines))
    assert.deepEqual(
      kit.logged.filter((line) => line.startsWith('WARNING')),
      [],
    )
  })

  it('may be a line of a gigabyte, which is skipped, counted, and never in memory', async () => {
    writeFileSync(log, 'before\n')
    // A hole reads as NULs, which are no line; the x makes it one.
    const fd = openSync(log, 'r+')
    writeSync(fd, 'x', 7)
    truncateSync(log, 1 << 30)
    writeSync(fd, '\nafter\n', 1 << 30)
    const rssBefore = process.memoryUsage().rss
    const tail = kit.follow(log)
    await kit.untilText('after\n')
    assert.equal(kit.text, 'before\nafter\n')
    assert.deepEqual([tail.stats.linesSkippedTooLong, tail.stats.bytesRead], [1, (1 << 30) + 7])
    assert(process.memoryUsage().rss - rssBefore < 100 << 20)
    assert(kit.logged.some((line) => line.startsWith(`WARNING filter Skipped a line over 64 KiB in ${log}`)))
  })

  it('is not passed over while a line that is too long is still being written', async () => {
    writeFileSync(log, `a\n${'x'.repeat(100_000)}`)
    const tail = kit.follow(log)
    await kit.untilEvent('live')
    assert.equal(tail.position().offset, 2)
    appendFileSync(log, `${'x'.repeat(100_000)}`)
    appendFileSync(log, 'x\nb\n')
    await kit.untilText('b\n')
    assert.deepEqual([kit.text, tail.position().offset, tail.stats.linesSkippedTooLong], ['a\nb\n', 200_006, 1])
  })

  for (const [encoding, bytes] of [
    ['latin1', Buffer.from('gr\xfc\xdfe\n', 'latin1')],
    ['ISO-8859-1', Buffer.from('gr\xfc\xdfe\n', 'latin1')],
    ['utf_16_le', Buffer.from('grüße\n', 'utf16le')],
    ['utf-16', Buffer.from('\ufeffgrüße\n', 'utf16le')],
    ['utf-16', Buffer.from('\ufeffgrüße\n', 'utf16le').swap16()],
    ['cp1252', Buffer.from('gr\xfc\xdfe\n', 'latin1')],
    ['UTF8', Buffer.from('grüße\n')],
  ] as const) {
    it(`may be ${encoding}: ${bytes.toString('hex', 0, 4)}…`, async () => {
      writeFileSync(log, bytes.subarray(0, 7))
      const tail = kit.follow(log, { encoding })
      await kit.untilEvent('live')
      appendFileSync(log, bytes.subarray(7))
      await kit.untilText('grüße\n')
      assert.equal(kit.text, 'grüße\n')
      assert.equal(tail.position().offset, bytes.length)
      assert.deepEqual(
        kit.logged.filter((line) => line.startsWith('WARNING')),
        [],
      )
    })
  }

  it('may be other than the ASCII that was promised', async () => {
    writeFileSync(log, 'a\xfcb\n', 'latin1')
    kit.follow(log, { encoding: 'ascii' })
    await kit.untilText('a\ufffdb\n')
  })

  it('is refused in an encoding that nobody knows', () => {
    assert.throws(() => kit.follow(log, { encoding: 'klingon' }), /unknown logencoding "klingon"; try auto/)
  })
})

describe('a machine with limits', () => {
  it('polls, and says so once, when there are no watches left', async (t) => {
    const script = `
      import { followFile } from ${JSON.stringify(fileURLToPath(new URL('./file-tail.ts', import.meta.url)))}
      import { appendFileSync } from 'node:fs'
      import { systemClock } from ${JSON.stringify(fileURLToPath(new URL('../lib/clock.ts', import.meta.url)))}
      const keepAlive = setInterval(() => {}, 1000)
      const log = { isOn: () => true, write: (level, module, text) => { if (level === 'WARNING') console.log(text) } }
      const tail = followFile({ path: process.argv[2], start: 'head', encoding: 'auto', clock: systemClock, log,
        onChunk: ({ lines: { text } }) => {
          console.log(text.trim())
          if (text === '1\\n') appendFileSync(process.argv[2], '2\\n')
          else tail.close().then(() => clearInterval(keepAlive))
        } })`
    writeFileSync(kit.path('child.mts'), script)
    writeFileSync(log, '1\n')
    chmodSync(kit.directory, 0o755)
    const limit = 'echo 0 > /proc/sys/user/max_inotify_watches && exec "$@"'
    const node = [
      process.execPath,
      ...process.execArgv.filter((one) => !one.startsWith('--test')),
      kit.path('child.mts'),
      log,
    ]
    const result = await runChild(['unshare', '-Ur', 'sh', '-c', limit, 'sh', ...node], {
      timeoutMs: 20_000,
      env: { PATH: process.env.PATH },
    })
    if (/unshare|max_inotify/.test(result.stderr)) {
      // `afterEach` is left out for a test that is skipped from within.
      await kit.close()
      return t.skip('needs user namespaces')
    }
    const [warning, ...lines] = result.stdout.trim().split('\n')
    assert.match(
      warning ?? '',
      /^Cannot watch the directory of .*auth\.log \(ENOSPC.*polled every 200 ms; raise fs\.inotify/,
    )
    assert.deepEqual(lines, ['1', '2'], result.stderr)
  })

  it('knows local file systems from those of others', async () => {
    assert.equal(await remoteFileSystem(kit.directory), undefined)
    assert.equal(await remoteFileSystem('/nonexistent/a/b'), undefined)
  })
})
