import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { FailureWindow } from './failure-window.js'

it('gives back the memory of tickets that are gone', () => {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const heapBytes = () => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const window = new FailureWindow({ findTimeMs: 600_000, maxmatches: 1 })
  const comeAndGo = (count: number) => {
    for (let i = 0; i < count; i++) {
      const id = `2001:db8::${i.toString(16)}`
      window.record({ id, timeMs: 1000, lines: [`failed ${id}`], data: {} })
      window.forget(id)
    }
  }
  comeAndGo(10_000)
  const before = heapBytes()
  comeAndGo(100_000)
  const bytesEach = (heapBytes() - before) / 100_000
  // It is nothing; what keeps even one word of each is a leak.
  assert(bytesEach < 8, `${bytesEach} bytes are left of each`)
})
