import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { BanWord, NodeName, UnbanWord } from '../word.js'
import { KnownBans } from './known-bans.js'

const minuteMs = 60_000
const nowMs = Date.UTC(2026, 0, 1)
const ip = '203.0.113.9'

type Some<W> = Partial<W> & { node: NodeName; seq: number }

function ban(some: Some<BanWord>): BanWord {
  const { atMs = nowMs + some.seq } = some
  const rest = { ip, jail: 'sshd', untilMs: atMs + 30 * minuteMs, failures: 5, byHand: false }
  return { kind: 'ban', atMs, ...rest, ...some }
}

function unban(some: Some<UnbanWord>): UnbanWord {
  const { atMs = nowMs + some.seq } = some
  return { kind: 'unban', atMs, ip, jail: undefined, everywhere: false, untilMs: atMs + 60 * minuteMs, ...some }
}

function knowing(...words: (BanWord | UnbanWord)[]): KnownBans {
  const known = new KnownBans()
  for (const word of words) known.tell(word, { nowMs })
  return known
}

/** Nodes and jails whose bans of the address hold. */
function holding(known: KnownBans, atMs = nowMs): string[] {
  return known
    .standing(ip, atMs)
    .map(({ node, jail }) => `${node}/${jail}`)
    .sort()
}

describe('bans', () => {
  it('hold until they end', () => {
    const known = knowing(ban({ node: 'a', seq: 1, untilMs: nowMs + 10 }))
    assert.deepEqual(holding(known, nowMs + 9), ['a/sshd'])
    assert.deepEqual(holding(known, nowMs + 10), [])
  })

  it('hold by the word of every node that has told one, for each jail', () => {
    const words = [ban({ node: 'a', seq: 1 }), ban({ node: 'a', seq: 2, jail: 'recidive' }), ban({ node: 'b', seq: 1 })]
    assert.deepEqual(holding(knowing(...words)), ['a/recidive', 'a/sshd', 'b/sshd'])
  })

  it('are replaced by the later word of their node, not by an earlier one that comes late', () => {
    const [long, short] = [
      ban({ node: 'a', seq: 1, untilMs: nowMs + 1000 }),
      ban({ node: 'a', seq: 2, untilMs: nowMs + 10 }),
    ]
    assert.equal(knowing(long, short).standing(ip, nowMs)[0]?.untilMs, nowMs + 10)
    const known = knowing(short)
    assert.equal(known.tell(long, { nowMs: nowMs + 20 }), 'older')
    assert.deepEqual(holding(known, nowMs + 20), [])
  })

  it('end when the judge says so, if that is earlier', () => {
    const known = new KnownBans()
    known.tell(ban({ node: 'a', seq: 1, untilMs: undefined }), { untilMs: nowMs + 5, nowMs })
    assert.deepEqual(holding(known, nowMs + 5), [])
  })

  it('may be permanent, and of networks and IPv6', () => {
    const known = new KnownBans()
    for (const [i, ip] of ['2001:db8::1', '198.51.100.0/24', '203.0.113.1'].entries()) {
      known.tell(ban({ node: 'a', seq: i + 1, ip, untilMs: undefined }), { nowMs })
      assert.equal(known.standing(ip, nowMs + 1e12)[0]?.untilMs, Number.POSITIVE_INFINITY)
    }
    assert.deepEqual(
      [...known.words(nowMs)].map(({ ip, untilMs }) => [ip, untilMs]),
      [
        ['2001:db8::1', undefined],
        ['198.51.100.0/24', undefined],
        ['203.0.113.1', undefined],
      ],
    )
  })
})

describe('a lift by the node that has banned', () => {
  it('ends its own bans only, in all jails or in one', () => {
    const words = [ban({ node: 'a', seq: 1 }), ban({ node: 'a', seq: 2, jail: 'nginx' }), ban({ node: 'b', seq: 1 })]
    assert.deepEqual(holding(knowing(...words, unban({ node: 'a', seq: 3 }))), ['b/sshd'])
    assert.deepEqual(holding(knowing(...words, unban({ node: 'a', seq: 3, jail: 'nginx' }))), ['a/sshd', 'b/sshd'])
  })

  it('is remembered under a later and shorter ban, for who has missed both', () => {
    const [lift, short] = [unban({ node: 'a', seq: 2, jail: 'sshd' }), ban({ node: 'a', seq: 3, untilMs: nowMs + 10 })]
    const snapshot = knowing(ban({ node: 'a', seq: 1 }), lift, short).words(nowMs + 20)
    const known = knowing(ban({ node: 'a', seq: 1 }), ...snapshot)
    assert.deepEqual(holding(known, nowMs + 20), [])
  })

  it('is followed by a later ban, though the clock of the node was set back meanwhile', () => {
    const known = knowing(unban({ node: 'a', seq: 1 }), ban({ node: 'a', seq: 2, atMs: nowMs - 10 * minuteMs }))
    assert.deepEqual(holding(known), ['a/sshd'])
  })
})

describe("an operator's lift for everybody", () => {
  const everywhere = unban({ node: 'ops', seq: 1, everywhere: true, atMs: nowMs + 100 })

  it('ends the bans of all nodes, also of one that comes back later', () => {
    const known = knowing(ban({ node: 'a', seq: 1 }), everywhere)
    assert.deepEqual(holding(known), [])
    assert.equal(known.tell(ban({ node: 'away', seq: 7 }), { nowMs: nowMs + minuteMs }), 'kept')
    assert.deepEqual(holding(known, nowMs + minuteMs), [])
  })

  it('leaves what is told later', () => {
    assert.deepEqual(holding(knowing(everywhere, ban({ node: 'a', seq: 101 }))), ['a/sshd'])
  })

  it('can be of one jail', () => {
    const known = knowing(ban({ node: 'a', seq: 1 }), ban({ node: 'a', seq: 2, jail: 'nginx' }), {
      ...everywhere,
      jail: 'sshd',
    })
    assert.deepEqual(holding(known), ['a/nginx'])
  })

  it('is told with a time after bans by clocks that are ahead', () => {
    const known = knowing(ban({ node: 'a', seq: 1, atMs: nowMs + 9 * minuteMs }))
    const atMs = known.liftAtMs(ip, nowMs)
    known.tell({ ...everywhere, atMs, untilMs: nowMs + 60 * minuteMs }, { nowMs })
    assert.deepEqual(holding(known), [])
  })

  it('takes the evidence from before along', () => {
    const known = knowing(everywhere)
    assert.ok(known.isLifted({ ip, jail: 'sshd', atMs: nowMs + 100 }, nowMs))
    assert.ok(!known.isLifted({ ip, jail: 'sshd', atMs: nowMs + 101 }, nowMs))
    assert.ok(!known.isLifted({ ip, jail: 'sshd', atMs: nowMs }, everywhere.untilMs))
  })

  it('survives the revocation of the operator, and a second shorter lift', () => {
    const known = knowing(everywhere, unban({ node: 'ops2', seq: 1, everywhere: true, untilMs: nowMs + 1 }))
    known.withdraw('ops')
    known.tell(ban({ node: 'a', seq: 1 }), { nowMs })
    assert.deepEqual(holding(known, nowMs + 5), [])
  })
})

describe('a revoked node', () => {
  it('has no bans any more, and others keep theirs', () => {
    const known = knowing(
      ban({ node: 'a', seq: 1 }),
      ban({ node: 'b', seq: 1 }),
      ban({ node: 'a', seq: 2, ip: '203.0.113.1' }),
    )
    assert.deepEqual(known.withdraw('a').sort(), ['203.0.113.1', ip].sort())
    assert.deepEqual(holding(known), ['b/sshd'])
    assert.equal(known.count, 1)
    assert.equal(known.population(ban({ node: 'a', seq: 3 })).ofNode, 0)
  })
})

describe('bounds', () => {
  it('refuse bans when full, but keep lifts', () => {
    const known = new KnownBans({ wordsMax: 2 })
    const told = ['1', '2', '3'].map((last, i) =>
      known.tell(ban({ node: 'a', seq: i + 1, ip: `203.0.113.${last}` }), { nowMs }),
    )
    assert.deepEqual(told, ['kept', 'kept', 'full'])
    assert.equal(known.tell(unban({ node: 'ops', seq: 1, everywhere: true }), { nowMs }), 'kept')
    assert.equal(known.tell(unban({ node: 'b', seq: 1 }), { nowMs }), 'full')
  })

  it('keep one node from telling of one address in very many jails', () => {
    const known = new KnownBans()
    const told = Array.from({ length: 100 }, (_, i) =>
      known.tell(ban({ node: 'a', seq: i + 1, jail: `j${i}` }), { nowMs }),
    )
    assert.equal(told.filter((became) => became === 'kept').length, 64)
    assert.equal(known.tell(ban({ node: 'b', seq: 1 }), { nowMs }), 'kept')
  })

  it('count a ban as known only in its own jail', () => {
    const known = knowing(ban({ node: 'a', seq: 1 }))
    assert.equal(known.population(ban({ node: 'a', seq: 2 })).isKnown, true)
    assert.equal(known.population(ban({ node: 'a', seq: 2, jail: 'other' })).isKnown, false)
    assert.equal(known.population(unban({ node: 'a', seq: 2 })).isKnown, true)
    assert.equal(known.population(ban({ node: 'b', seq: 2 })).isKnown, false)
  })

  it('give the room of what has ended back, some addresses at a time', () => {
    const known = new KnownBans()
    const about = (i: number) =>
      ban({ node: 'a', seq: i + 1, ip: `203.0.113.${i}`, untilMs: nowMs + (i % 2 === 0 ? 1 : 1e9) })
    for (let i = 0; i < 100; i++) known.tell(about(i), { nowMs })
    const laterMs = nowMs + 20 * minuteMs
    known.expire(laterMs, 50)
    assert.equal(known.count, 75)
    known.expire(laterMs, 51)
    assert.equal(known.count, 50)
    for (let i = 100; i < 150; i++) known.tell(about(i), { nowMs: laterMs })
    assert.equal([...known.words(laterMs)].length, 75)
  })
})

const anyWord = fc.record({
  node: fc.constantFrom('a', 'b', 'c'),
  kind: fc.constantFrom('ban', 'ban', 'ban', 'unban', 'everywhere'),
  jail: fc.constantFrom('sshd', 'nginx', undefined),
  atMs: fc.integer({ min: nowMs - 20 * minuteMs, max: nowMs + 10 * minuteMs }),
  lastsMs: fc.integer({ min: 0, max: 60 * minuteMs }),
})

const anyWords = fc.array(anyWord, { maxLength: 12 }).map((some) =>
  some.map(({ node, kind, jail, atMs, lastsMs }, i): BanWord | UnbanWord => {
    const told = { node, seq: i + 1, atMs, untilMs: Math.max(nowMs - 9 * minuteMs, atMs + lastsMs) }
    if (kind === 'ban') return ban({ ...told, jail: jail ?? 'sshd' })
    return unban({ ...told, jail, everywhere: kind === 'everywhere' })
  }),
)

/** The rules once more, as plainly as can be. */
function holdingByTheBook(words: readonly (BanWord | UnbanWord)[]): string[] {
  const holds = words.filter((word) => {
    if (word.kind !== 'ban' || (word.untilMs ?? 0) <= nowMs) return false
    const outdone = words.some(
      ({ kind, node, jail, seq }) => kind === 'ban' && node === word.node && jail === word.jail && seq > word.seq,
    )
    return !outdone && !words.some((lift) => lift.kind === 'unban' && lifts(lift, word, words))
  })
  return holds.map(({ node, jail }) => `${node}/${jail}`).sort()
}

function lifts(lift: UnbanWord, word: BanWord, words: readonly (BanWord | UnbanWord)[]): boolean {
  if (lift.jail !== undefined && lift.jail !== word.jail) return false
  if (!lift.everywhere) {
    // Of the lifts of one node and jail the last one says how long they are remembered.
    const same = words.filter(
      (other) => other.kind === 'unban' && !other.everywhere && other.node === lift.node && other.jail === lift.jail,
    )
    const last = same.reduce((a, b) => (b.seq > a.seq ? b : a), lift)
    if (lift.node !== word.node || lift.seq <= word.seq) return false
    return (last.untilMs ?? 0) > nowMs
  }
  const same = words.filter((other) => other.kind === 'unban' && other.everywhere && other.jail === lift.jail)
  return word.atMs <= lift.atMs && same.some(({ untilMs = 0 }) => untilMs > nowMs)
}

describe('the same words', () => {
  it('mean the same in any order and however often', () => {
    const shuffled = anyWords.chain((words) =>
      fc.tuple(
        fc.constant(words),
        fc.shuffledSubarray([...words, ...words], { minLength: 2 * words.length, maxLength: 2 * words.length }),
      ),
    )
    fc.assert(
      fc.property(shuffled, ([words, others]) => {
        const [here, there] = [knowing(...words), knowing(...others)]
        assert.deepEqual(holding(there), holding(here))
        assert.deepEqual(holding(here), holdingByTheBook(words))
        for (const node of ['a', 'b', 'c']) assert.deepEqual(there.digest(node, nowMs), here.digest(node, nowMs))
      }),
      { numRuns: 3000 },
    )
  })

  it('are told apart by their digest when one is missing', () => {
    const words = [ban({ node: 'a', seq: 1 }), ban({ node: 'a', seq: 2, ip: '203.0.113.1' })]
    assert.notDeepEqual(knowing(...words).digest('a', nowMs), knowing(...words.slice(1)).digest('a', nowMs))
  })

  it('travel by a snapshot', () => {
    const words = [
      ban({ node: 'a', seq: 1 }),
      unban({ node: 'a', seq: 2, jail: 'nginx' }),
      ban({ node: 'b', seq: 1, untilMs: undefined }),
    ]
    const copy = knowing(...knowing(...words).words(nowMs))
    assert.deepEqual(holding(copy), holding(knowing(...words)))
    assert.deepEqual(copy.digest('a', nowMs), knowing(...words).digest('a', nowMs))
    assert.deepEqual([...knowing(...words).words(nowMs, 'b')], [words[2]])
  })
})

it('a snapshot that is read while words come and go has no word that nobody has told', () => {
  const told = [ban({ node: 'a', seq: 1 }), ban({ node: 'a', seq: 2, jail: 'nginx' })]
  const known = knowing(...told, ban({ node: 'b', seq: 1, ip: '203.0.113.10' }))
  const reading = known.words(nowMs)[Symbol.iterator]()
  const read = [reading.next().value]
  known.withdraw('a')
  const others = ['sshd', 'nginx', 'exim'].map((jail, n) => ban({ node: 'c', seq: n + 1, jail, ip: '198.51.100.1' }))
  for (const word of others) known.tell(word, { nowMs })
  for (let next = reading.next(); next.done !== true; next = reading.next()) read.push(next.value)
  const keyOf = (word: unknown) => JSON.stringify(Object.entries(word ?? {}).sort())
  const all = new Set([...told, ...others, ban({ node: 'b', seq: 1, ip: '203.0.113.10' })].map(keyOf))
  assert.deepEqual(
    read.filter((word) => !all.has(keyOf(word))),
    [],
  )
})
