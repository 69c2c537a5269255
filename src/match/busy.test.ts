import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLog } from '../lib/log.js'
import { compileFilter } from './filter.js'
import { Fuse } from './fuse.js'
import { LineMatcher } from './line-matcher.js'
import { DateTemplate } from './timestamp/template.js'

/** Blows again and again without anything having been spent, as on a machine with too much to do. */
class BusyFuse extends Fuse {
  blows: number

  constructor(blows: number) {
    super()
    this.blows = blows
  }

  override get spentMs(): number {
    return 1
  }

  override run(task: () => void, timeoutMs: number): boolean {
    if (this.blows-- > 0) return false
    return super.run(task, timeoutMs)
  }
}

const stopped = new Error('stopped')

/** Blows in the middle of the search for a date, each time after half of what a line may take: the first dates are slow, for then their patterns are compiled. */
class BlowsInDates extends BusyFuse {
  override get spentMs(): number {
    return 100
  }

  override run(task: () => void, timeoutMs: number): boolean {
    if (this.blows-- <= 0) return super.run(task, timeoutMs)
    const { find } = DateTemplate.prototype
    DateTemplate.prototype.find = () => {
      throw stopped
    }
    try {
      task()
      return true
    } catch (error) {
      if (error !== stopped) throw error
      return false
    } finally {
      DateTemplate.prototype.find = find
    }
  }
}

const origin = { file: 'test.conf', line: 1 }
const nowMs = new Date(2024, 5, 15, 12, 0, 30).getTime()

function matcher(fuse: Fuse): LineMatcher {
  const compiled = compileFilter(
    {
      name: 'test',
      failregex: [{ value: '^ failed from <ADDR>$', origin }],
      ignoreregex: [],
      datepattern: [{ value: '^%Y-%m-%d %H:%M:%S', origin }],
      maxlines: 1,
      usedns: 'no',
    },
    { nowMs },
  )
  assert.ok('filter' in compiled)
  return new LineMatcher(compiled.filter, { jail: 'test', findTimeMs: 600_000, log: silentLog, fuse })
}

describe('on a busy machine', () => {
  it('no line is given up that was stopped again and again without having been read', () => {
    const found: string[] = []
    const lines = ['192.0.2.1', '192.0.2.2'].map((ip) => `2024-06-15 12:00:29 failed from ${ip}\n`).join('')
    const reader = matcher(new BusyFuse(9))
    reader.scan(lines, { nowMs, live: true }, ({ id }) => found.push(id))
    assert.deepEqual(found, ['192.0.2.1', '192.0.2.2'])
    assert.equal(reader.linesGivenUp, 0)
  })

  it('no date pattern is taken out of use that takes no time by itself', () => {
    const found: string[] = []
    const reader = matcher(new BlowsInDates(3))
    reader.scan('2024-06-15 12:00:29 failed from 192.0.2.1\n', { nowMs, live: true }, ({ id }) => found.push(id))
    assert.deepEqual([found, reader.linesGivenUp], [['192.0.2.1'], 0])
  })

  it('no entry of the journal is, either', () => {
    const found: string[] = []
    const reader = matcher(new BusyFuse(9))
    reader.scanEntry({ text: ' failed from 192.0.2.1', timeMs: nowMs }, { nowMs, live: true }, ({ id }) =>
      found.push(id),
    )
    assert.deepEqual(found, ['192.0.2.1'])
  })

  it('a line that is never read through ends in the end', () => {
    const reader = matcher(new BusyFuse(1e6))
    reader.scan('2024-06-15 12:00:29 failed from 192.0.2.1\n', { nowMs, live: true }, () =>
      assert.fail('nothing is found'),
    )
    assert.equal(reader.linesGivenUp, 1)
  })
})
