import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compileFilter } from '../../match/filter.js'
import { Examiner } from './examiner.js'
import { LineRun, type Stall } from './line-run.js'
import { NameLookup } from './name-lookup.js'

/** A resolver that takes as long for each name that it does not know yet. */
class SlowLookup extends NameLookup {
  readonly asked: string[] = []
  readonly #known = new Set<string>()
  readonly #delayMs: number
  #pending: string | undefined

  constructor(delayMs: number) {
    super()
    this.#delayMs = delayMs
  }

  override addresses(name: string): readonly string[] {
    if (!this.#known.has(name)) {
      this.asked.push(name)
      this.#pending = name
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, this.#delayMs)
      this.#pending = undefined
      this.#known.add(name)
    }
    return ['192.0.2.1']
  }

  override finish(): boolean {
    const name = this.#pending
    if (name === undefined) return false
    this.addresses(name)
    return true
  }
}

function examinerFor(lookup: NameLookup): Examiner {
  const origin = { file: 'x.conf', line: 1 }
  const compiled = compileFilter(
    {
      name: 'x',
      failregex: [{ value: '^from <HOST>$', origin }],
      ignoreregex: [],
      datepattern: [{ value: '{NONE}', origin }],
      maxlines: 1,
      usedns: 'yes',
    },
    { nowMs: 0 },
  )
  assert.ok('filter' in compiled)
  const options = { triesAll: true, tellsPending: true, keepsFields: false, keepsPrefix: false, nowMs: 0 }
  return new Examiner(compiled.filter, { ...options, resolve: (name) => lookup.addresses(name) })
}

describe('a run over lines whose names take long', () => {
  it('finds every name, and blames no pattern', () => {
    const lookup = new SlowLookup(150)
    const examiner = examinerFor(lookup)
    const seen: string[] = []
    const stalls: Stall[] = []
    const run = new LineRun(examiner, {
      lookup,
      visit: (chunk, start, end) => seen.push(`${chunk.slice(start, end)}: ${examiner.found.length}`),
      onStall: (stall) => stalls.push(stall),
      pieceMs: 250,
    })
    run.readText('from a.example\nfrom b.example\n# not this\nfrom c.example\r\nfrom d.example')
    assert.deepEqual(stalls, [])
    assert.deepEqual(seen, ['from a.example: 1', 'from b.example: 1', 'from c.example: 1', 'from d.example: 1'])
  })
})

it('a run that is stopped in any place, as on a busy machine, tells of each line once', () => {
  const lookup = new SlowLookup(0)
  const examiner = examinerFor(lookup)
  const lines = Array.from({ length: 60 }, (_, i) => `from 192.0.2.${i}`)
  let seen: string[] = []
  const stalls: Stall[] = []
  const visit = (chunk: string, start: number, end: number) => {
    for (const untilMs = performance.now() + 0.1; performance.now() < untilMs; );
    seen.push(chunk.slice(start, end))
  }
  const run = new LineRun(examiner, { lookup, visit, onStall: (stall) => stalls.push(stall), pieceMs: 1 })
  for (let i = 0; i < 40; i++) {
    seen = []
    run.readText(lines.join('\n'))
    assert.deepEqual(seen, lines)
  }
  assert.deepEqual(stalls, [])
})
