import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Pattern } from './dialect/pattern.js'
import { Fuse } from './fuse.js'
import { PatternRunner } from './pattern-runner.js'
import { Quarantine } from './quarantine.js'

const compiled = (source: string, index: number) => ({
  pattern: new Pattern(source),
  origin: { file: 'test.conf', line: 1 },
  index,
})

describe('a pattern runner', () => {
  it('tells once which pattern was at work when it was stopped, and on what', () => {
    const runner = new PatternRunner()
    const endless = compiled('^(?:a+)+$', 0)
    const text = `${'a'.repeat(60)}!`
    assert.equal(
      new Fuse().run(() => runner.exec(endless, text, true), 20),
      false,
    )
    assert.deepEqual(runner.takeStalled(), { pattern: endless, text })
    assert.equal(runner.takeStalled(), undefined)
  })

  it('names nothing after a search that came to its end', () => {
    const runner = new PatternRunner()
    assert.notEqual(runner.exec(compiled('a', 0), 'a', true), null)
    assert.equal(runner.takeStalled(), undefined)
  })

  it('finds nothing by a pattern that is out of use', () => {
    const quarantine = new Quarantine()
    const runner = new PatternRunner(quarantine)
    const [out, other] = [compiled('a', 0), compiled('a', 1)]
    assert.equal(runner.usesAll, true)
    quarantine.add({ pattern: out, line: '', sinceMs: 0 })
    assert.deepEqual([runner.usesAll, runner.exec(out, 'a', true)], [false, null])
    assert.notEqual(runner.exec(other, 'a', true), null)
  })
})
