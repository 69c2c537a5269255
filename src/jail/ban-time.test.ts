import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runChild } from '../lib/child.js'
import { localDateTime } from '../lib/log-writer.js'
import { type BanRecord, BanTimes, incrementProblems } from './ban-time.js'
import type { BanTimeIncrement } from './jail-spec.js'
import { shortDuration } from './short-duration.js'

const startMs = Date.UTC(2026, 10, 21, 1, 53, 34)
const id = '192.0.2.1'

function times(
  increment: Partial<BanTimeIncrement> | undefined,
  count: number,
  options: { baseMs?: number; random?: number } = {},
) {
  const asked: (string | undefined)[] = []
  const { baseMs = 600_000, random = 0.5 } = options
  const spec = {
    name: 'tj',
    maxretry: 5,
    banTimeMs: baseMs,
    ...(increment && { increment: { overalljails: false, ...increment } }),
  }
  const record: BanRecord | undefined = count === 0 ? undefined : { count, startMs: startMs - 8000 }
  const recordOf = (_id: string, jail: string | undefined) => {
    asked.push(jail)
    return record
  }
  return { asked, banTimes: new BanTimes({ spec, history: { recordOf }, random: () => random }) }
}

function secondsAfter(
  increment: Partial<BanTimeIncrement>,
  counts: number[],
  options: { baseMs?: number; random?: number } = {},
): number[] {
  const { baseMs: durationMs = 600_000 } = options
  return counts.map((count) => {
    const next = times(increment, count, options).banTimes.next({ id, startMs, durationMs })
    return (next?.durationMs ?? durationMs) / 1000
  })
}

describe('ban times that grow', () => {
  it('double with each ban, up to the twentieth', () => {
    const wanted = [600, 1200, 2400, 4800, 19_200, 614_400, 314_572_800, 629_145_600, 629_145_600]
    assert.deepEqual(secondsAfter({}, [0, 1, 2, 3, 5, 10, 19, 20, 25]), wanted)
  })

  it('follow the multipliers, the last of them from there on', () => {
    assert.deepEqual(
      secondsAfter({ multipliers: [1, 5, 30], factor: '2' }, [1, 2, 3, 9]),
      [6000, 36_000, 36_000, 36_000],
    )
  })

  it('follow a formula, and are never shorter than the ban time of the jail', () => {
    const formula = 'ban.Time * math.exp(float(ban.Count+1)*banFactor)/math.exp(1*banFactor)'
    assert.deepEqual(secondsAfter({ formula }, [1, 2, 3]), [1631, 4433, 12_051])
    assert.deepEqual(secondsAfter({ formula: '-5' }, [1, 2]), [600, 600])
  })

  it('end at maxtime; rndtime comes on top of that', () => {
    assert.deepEqual(secondsAfter({ maxTimeMs: 3_600_000 }, [1, 2, 3, 10]), [1200, 2400, 3600, 3600])
    assert.deepEqual(secondsAfter({ maxTimeMs: 3_600_000, rndTimeMs: 60_000 }, [1, 10]), [1230, 3630])
    assert.deepEqual(secondsAfter({ maxTimeMs: -1000 }, [1]), [1200])
  })

  it('stay as they are when the formula fails', () => {
    for (const formula of ['1 / (ban.Count - 1)', 'math.exp(1000)', 'math.inf', 'math.nan', 'ban.Time << 1.5'])
      assert.deepEqual(secondsAfter({ formula }, [1]), [600], formula)
  })

  it('stay for the first ban, for a permanent one, for one of another length, and for a ban that is on record already', () => {
    const next = (change: object, count = 1) =>
      times({}, count).banTimes.next({ id, startMs, durationMs: 600_000, ...change })
    assert.equal(next({})?.durationMs, 1_200_000)
    assert.equal(next({}, 0), undefined)
    assert.equal(next({ durationMs: undefined }), undefined)
    assert.equal(next({ durationMs: 60_000 }), undefined)
    assert.equal(next({ startMs: startMs - 8000 }), undefined)
    assert.deepEqual(next({ startMs: startMs - 8000 }, 3), { durationMs: 2_400_000, count: 3, notes: [] })
    assert.equal(times(undefined, 5).banTimes.next({ id, startMs, durationMs: 600_000 }), undefined)
  })

  it('count the bans of all jails when told to', () => {
    for (const overalljails of [true, false]) {
      const { banTimes, asked } = times({ overalljails }, 1)
      banTimes.next({ id, startMs, durationMs: 600_000 })
      assert.deepEqual(asked, [overalljails ? undefined : 'tj'])
    }
  })

  it('are told in the words of Fail2ban', () => {
    const { banTimes } = times({}, 1, { baseMs: 4000 })
    assert.deepEqual(banTimes.next({ id, startMs, durationMs: 4000 }), {
      durationMs: 8000,
      count: 2,
      notes: [
        { level: 'INFO', text: `[tj] IP 192.0.2.1 is bad: 1 # last ${localDateTime(startMs - 8000)} - incr 4s to 8s` },
        { level: 'NOTICE', text: `[tj] Increase Ban 192.0.2.1 (2 # 8s -> ${localDateTime(startMs + 8000)})` },
      ],
    })
  })
})

describe('failures of somebody who was banned before', () => {
  it('weigh more with each ban, but never more than maxretry', () => {
    const weights = [0, 1, 2, 3, 4, 30].map((count) => times({}, count).banTimes.weigh({ id, timeMs: startMs }))
    assert.deepEqual(
      weights.map(({ weight }) => weight),
      [1, 2, 3, 5, 5, 5],
    )
    const found = `[tj] Found 192.0.2.1, bad - ${localDateTime(startMs)}`
    assert.deepEqual(
      weights.map(({ note }) => note),
      [
        undefined,
        `${found}, 1 # -> 2.0`,
        `${found}, 2 # -> 3.0`,
        `${found}, 3 # -> 5.0`,
        `${found}, 4 # -> 5`,
        `${found}, 30 # -> 5`,
      ],
    )
  })

  it('weigh nothing extra when they are older than the last ban, or the jail has no increments', () => {
    assert.deepEqual(times({}, 3).banTimes.weigh({ id, timeMs: startMs - 8000 }), { weight: 1 })
    assert.deepEqual(times(undefined, 3).banTimes.weigh({ id, timeMs: startMs }), { weight: 1 })
  })
})

it('says where a formula or a factor is wrong', () => {
  assert.deepEqual(incrementProblems({ overalljails: false, factor: '1.5', formula: 'ban.Time * 2' }), [])
  const problems = incrementProblems({ overalljails: false, factor: '1 / 0', formula: 'ban.time * 2' })
  assert.match(problems[0] ?? '', /^bantime\.factor "1 \/ 0" is a calculation that fails/)
  assert.match(
    problems[1] ?? '',
    /^bantime\.formula "ban\.time \* 2" is no formula: there is no "ban\.time".*\(character 1\)$/,
  )
})

const peer = `
import sys, json
try:
    from fail2ban.server.jail import Jail
    from fail2ban.server.observer import ObserverThread
    from fail2ban.server.mytime import MyTime
except ImportError:
    sys.exit(77)
`
const noPeer =
  (await askPeer('print(1)')) === undefined ? 'needs /usr/bin/python3 with the fail2ban package' : undefined

describe('beside the installed Fail2ban', { skip: noPeer ?? false }, () => {
  it('ban times are its ban times', async () => {
    const counts = [1, 2, 3, 4, 7, 12, 19, 20, 21, 40]
    const cases: Partial<BanTimeIncrement>[] = [
      {},
      { factor: '0.3' },
      { factor: '1 + 1' },
      { multipliers: [1, 2, 4, 8, 16, 32, 64] },
      { multipliers: [3], factor: '2.5' },
      { formula: 'ban.Time * (1<<(ban.Count if ban.Count<20 else 20)) * banFactor' },
      {
        formula: 'ban.Time * math.exp(float(ban.Count+1)*banFactor)/math.exp(1*banFactor)',
        factor: '2.0 / 2.885385',
        maxTimeMs: 604_800_000,
      },
      { formula: 'ban.Time * ban.Count ** 2 // 3', maxTimeMs: 7_200_000 },
      { formula: 'min(ban.Time * math.log(ban.Count + 1, 2), 86400) if ban.Count > 3 else 10' },
    ]
    const theirs = await askPeer(
      `
class Database: pass
answers = []
for case in json.loads(sys.argv[1]):
    jail = Jail('j', 'polling', Database())
    for name, value in case.items(): jail.setBanTimeExtra(name, value)
    jail.setBanTimeExtra('increment', 'true')
    formula = jail.getBanTimeExtra()['evformula']
    answers.append([formula(ObserverThread.BanTimeIncr(600, n)) for n in json.loads(sys.argv[2])])
print(json.dumps(answers))`,
      JSON.stringify(cases.map(asTheirs)),
      JSON.stringify(counts),
    )
    const rounded = (theirs as number[][]).map((row) => row.map(Math.round))
    assert.deepEqual(
      cases.map((increment) => secondsAfter(increment, counts)),
      rounded,
    )
  })

  it('durations are written as it writes them', async () => {
    const around = [60, 3595, 3600, 7195, 86_395, 86_400, 604_770, 604_800, 31_536_000, 31_557_600, 63_072_000]
    const seconds = [
      ...Array(5000).keys(),
      ...around.flatMap((s) => [-31, -30, -6, -5, -1, 0, 1, 30, 31, 1800, 1801, 43_201].map((d) => s + d)),
    ].filter((s) => s >= 0)
    const theirs = await askPeer(
      'print(json.dumps([str(MyTime.seconds2str(s)) for s in json.loads(sys.argv[1])]))',
      JSON.stringify(seconds),
    )
    assert.deepEqual(
      seconds.map((s) => shortDuration(s * 1000)),
      theirs,
    )
  })
})

function asTheirs({ factor, formula, multipliers, maxTimeMs }: Partial<BanTimeIncrement>): Record<string, string> {
  return {
    ...(factor !== undefined && { factor }),
    ...(formula !== undefined && { formula }),
    ...(multipliers && { multipliers: multipliers.join(' ') }),
    ...(maxTimeMs !== undefined && { maxtime: String(maxTimeMs / 1000) }),
  }
}

/** Undefined where there is no peer. */
async function askPeer(script: string, ...args: string[]): Promise<unknown> {
  const { exitCode, stdout } = await runChild(['/usr/bin/python3', '-c', peer + script, ...args], { timeoutMs: 30_000 })
  return exitCode === 0 ? JSON.parse(stdout) : undefined
}
