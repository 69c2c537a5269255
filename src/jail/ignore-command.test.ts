import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ManualClock } from '../../test/kit/manual-clock.js'
import { RecordingLog } from '../../test/kit/recording-log.js'
import { runChild } from '../lib/child.js'
import { IgnoreCommand, parseIgnoreCache } from './ignore-command.js'

const failure = (id: string, user = 'root') => ({ id, timeMs: 1000, lines: ['line'], data: { user } })

function setUp(command: string, cacheText?: string) {
  const clock = new ManualClock()
  const log = new RecordingLog()
  let runs = 0
  const run = (argv: readonly string[]) => {
    runs++
    return runChild(argv, { timeoutMs: 5000 })
  }
  const cache =
    cacheText === undefined ? undefined : parseIgnoreCache(cacheText, (text) => Number.parseInt(text, 10) * 1000)
  return { clock, log, ignores: new IgnoreCommand({ jail: 'j', command, cache, clock, log, run }), runs: () => runs }
}

describe('IgnoreCommand', () => {
  it('ignores on exit 0, counts on exit 1, complains of anything else', async () => {
    const { ignores, log } = setUp(
      'case "<ip>" in 192.0.2.1) exit 0;; 192.0.2.2) exit 1;; *) echo broken >&2; exit 3;; esac',
    )
    assert.deepEqual(
      [await ignores.covers(failure('192.0.2.1')), await ignores.covers(failure('192.0.2.2'))],
      [true, false],
    )
    assert.deepEqual(log.lines, [])
    assert.equal(await ignores.covers(failure('192.0.2.3')), false)
    assert.match(log.lines.join(), /ignorecommand ended with 3, so nobody is ignored by it: broken/)
  })

  it('hands hostile fields over as values', async () => {
    const { ignores } = setUp(`test "<F-USER>" = '$(exit 1)'`)
    assert.equal(await ignores.covers(failure('192.0.2.1', '$(exit 1)')), true)
  })

  it('asks once for each key as long as the cache says', async () => {
    const { ignores, clock, runs } = setUp('exit 0', 'key="<ip>", max-count=2, max-time=60')
    for (let i = 0; i < 5; i++) await ignores.covers(failure('192.0.2.1'))
    assert.equal(runs(), 1)
    clock.turn(60_001)
    await ignores.covers(failure('192.0.2.1'))
    assert.equal(runs(), 2)
    await ignores.covers(failure('192.0.2.2'))
    await ignores.covers(failure('192.0.2.3'))
    await ignores.covers(failure('192.0.2.1'))
    assert.equal(runs(), 5, 'the oldest of three left the cache')
  })

  it('asks once for many failures of one key at once', async () => {
    const { ignores, runs } = setUp('exit 0', 'key="<ip>", max-count=2, max-time=60')
    const answers = await Promise.all(Array.from({ length: 50 }, () => ignores.covers(failure('192.0.2.1'))))
    assert.deepEqual([new Set(answers), runs()], [new Set([true]), 1])
  })

  it('remembers no answer that it did not get', async () => {
    const clock = new ManualClock()
    const log = new RecordingLog()
    const cache = { key: '<ip>', countMax: 2000, ageMsMax: 60_000 }
    const run = () => Promise.resolve({ exitCode: 1, stderr: '' })
    const ignores = new IgnoreCommand({ jail: 'j', command: 'exit 1', cache, clock, log, run })
    const everybody = Array.from({ length: 1005 }, (_, i) => ignores.covers(failure(`198.51.${i >> 8}.${i & 255}`)))
    assert.equal(await everybody.at(-1), true)
    assert.match(log.lines.join(), /More than 1000 failures wait/)
    await Promise.all(everybody)
    assert.equal(await ignores.covers(failure('198.51.3.236')), false)
  })

  it('answers many at once, a few commands at a time', async () => {
    const { ignores } = setUp('exit 1')
    const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => ignores.covers(failure(`192.0.2.${i}`))))
    assert.deepEqual(new Set(answers), new Set([false]))
  })
})
