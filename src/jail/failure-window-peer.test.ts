import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { runChild } from '../lib/child.js'
import { FailureWindow } from './failure-window.js'

/**
 * Counts with Fail2ban's own fail manager: reads one list of happenings a line, prints what it knows after each. It keeps all lines of the first failure
 * until there is a second one; we keep `maxmatches` of them from the start.
 */
const peer = `
import sys, json
from fail2ban.server.failmanager import FailManager
from fail2ban.server.ticket import FailTicket
for row in sys.stdin:
    case = json.loads(row)
    manager = FailManager()
    manager.setMaxTime(case['findTime'])
    manager.maxMatches = case['maxmatches']
    manager.setMaxRetry(1000000)
    out = []
    for what, id, time, count in case['happenings']:
        if what == 'sweep':
            manager.cleanup(time)
            out.append(manager.size())
        elif what == 'forget':
            manager.delFailure(id)
        else:
            lines = ['%s %s' % (time, i) for i in range(count)]
            ticket = FailTicket(id, time, matches=lines)
            manager.addFailure(ticket, count if what == 'attempt' else 1)
            known = manager._FailManager__failList[id]
            out.append([known.getRetry(), known.getTime(), (known.getMatches() or [])[-manager.maxMatches:] if manager.maxMatches else [], known.getAttempt()])
    print(json.dumps(out))
`
const python = '/usr/bin/python3'
const probe = await runChild([python, '-c', 'import fail2ban.server.failmanager'], { timeoutMs: 20_000 })

interface Case {
  findTime: number
  maxmatches: number
  happenings: [what: string, id: string, time: number, count: number][]
}

const cases: fc.Arbitrary<Case> = fc.record({
  findTime: fc.constantFrom(1, 10, 600),
  maxmatches: fc.constantFrom(0, 1, 3),
  happenings: fc.array(
    fc.tuple(
      fc.constantFrom('line', 'line', 'line', 'line', 'attempt', 'forget', 'sweep'),
      fc.constantFrom('192.0.2.1', '192.0.2.2', '192.0.2.3'),
      fc.integer({ min: 1000, max: 3000 }),
      fc.integer({ min: 1, max: 3 }),
    ),
    { maxLength: 30 },
  ),
})

const skip = probe.exitCode === 0 ? false : `${python} has no fail2ban`
it("counts as Fail2ban's fail manager, whatever happens", { skip }, async () => {
  const samples = fc.sample(cases, 500).map((one, i) =>
    // Most logs are in order; some are not.
    i % 3 === 0 ? one : { ...one, happenings: one.happenings.toSorted(([, , a], [, , b]) => a - b) },
  )
  const input = samples.map((one) => JSON.stringify(one)).join('\n')
  const options = { stdin: input, timeoutMs: 20_000, outputBytesMax: 1 << 26 }
  const { stdout, stderr } = await runChild([python, '-c', peer], options)
  const answers = stdout.trim().split('\n')
  assert.equal(answers.length, samples.length, stderr)
  for (const [i, one] of samples.entries())
    assert.deepEqual(counted(one), JSON.parse(answers[i] ?? ''), JSON.stringify(one))
})

function counted({ findTime, maxmatches, happenings }: Case): unknown[] {
  const window = new FailureWindow({ findTimeMs: findTime * 1000, maxmatches })
  return happenings.flatMap(([what, id, time, count]): unknown[] => {
    if (what === 'sweep') return [window.failedNow(time * 1000)]
    if (what === 'forget') {
      window.forget(id)
      return []
    }
    const lines = Array.from({ length: count }, (_, i) => `${time} ${i}`)
    const ticket = window.record({ id, timeMs: time * 1000, lines, data: {} }, what === 'attempt' ? count : 1)
    return [[ticket.retries, ticket.lastMs / 1000, [...ticket.lines], ticket.failures]]
  })
}
