import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { BanWord, NodeName, SightingWord } from '../word.js'
import { Quorum, type StandingBan, type Weight } from './quorum.js'
import { marksOf, type QuorumRule } from './rule.js'

const minuteMs = 60_000
const startMs = Date.UTC(2026, 0, 1)
const ip = '203.0.113.9'

/** `[fleet] maxretry = 1`: one node's ban is enough. */
const anyBan: QuorumRule = { maxRetry: 1, minNodes: 1, minPerNode: 1, findTimeMs: 30 * minuteMs, fleetJail: 'fleet' }
/** Three failures in all, on two nodes or more. */
const threeInAll: QuorumRule = { ...anyBan, maxRetry: 3, minNodes: 2 }
/** Three failures on each of two nodes. */
const threeOnEach: QuorumRule = { ...anyBan, minPerNode: 3, minNodes: 2 }

let seq = 0
function sighting(node: NodeName, failures: number, atMin = 0, jail = 'sshd'): SightingWord {
  const atMs = startMs + Math.round(atMin * minuteMs)
  return { kind: 'sighting', node, seq: ++seq, atMs, ip, jail, failures, windowMs: 30 * minuteMs }
}

function ban(node: NodeName, failures: number, atMin = 0, jail = 'sshd'): BanWord {
  const atMs = startMs + Math.round(atMin * minuteMs)
  return { kind: 'ban', node, seq: ++seq, atMs, ip, jail, untilMs: atMs + 30 * minuteMs, failures, byHand: false }
}

/** Whether the last of these words leads to a verdict. */
function isEnough(rule: QuorumRule, words: readonly (SightingWord | BanWord)[]): boolean {
  const quorum = new Quorum({ rule })
  return words.map((word) => quorum.offer(word)).at(-1) !== undefined
}

describe('a rule that one node fulfils', () => {
  it('takes a ban, and no mere sighting', () => {
    assert.ok(isEnough(anyBan, [ban('a', 5)]))
    assert.ok(!isEnough(anyBan, [sighting('a', 30)]))
    assert.deepEqual(marksOf(anyBan), [])
  })

  it('takes bans of several nodes where it asks for several', () => {
    const twoBans = { ...anyBan, maxRetry: 2 }
    assert.ok(!isEnough(twoBans, [ban('a', 5), ban('a', 5, 1)]))
    assert.ok(isEnough(twoBans, [ban('a', 5), ban('b', 5, 1)]))
  })

  it('asks for a second node when the first counts with others only', () => {
    const quorum = new Quorum({ rule: anyBan })
    assert.equal(quorum.offer(ban('a', 5), 'with-others'), undefined)
    const evidence = quorum.offer(ban('b', 5), 'with-others')?.evidence
    assert.deepEqual(
      evidence?.map(({ node }) => node),
      ['a', 'b'],
    )
  })
})

describe('three failures in all on two nodes', () => {
  const table: [string, boolean, (SightingWord | BanWord)[]][] = [
    ['three on one node', false, [sighting('a', 1), sighting('a', 3)]],
    ['thirty on one node', false, [sighting('a', 30), ban('a', 30)]],
    ['one on each of two', false, [sighting('a', 1), sighting('b', 1)]],
    ['two and one', true, [sighting('a', 1), sighting('a', 2), sighting('b', 1)]],
    ['one on each of three', true, [sighting('a', 1), sighting('b', 1), sighting('c', 1)]],
    ['a ban and one failure elsewhere', true, [ban('a', 5), sighting('b', 1)]],
    ['the first just outside of the find time', false, [sighting('a', 3), sighting('b', 1, 30)]],
    ['the first just inside of it', true, [sighting('a', 3), sighting('b', 1, 29.99)]],
    ['by way of the fleet', false, [sighting('a', 3), sighting('b', 3, 0, 'fleet')]],
  ]
  for (const [what, wanted, words] of table)
    it(`${wanted ? 'are' : 'are not'} ${what}`, () => assert.equal(isEnough(threeInAll, words), wanted))

  it('need the nodes to tell at two as well', () => {
    assert.deepEqual(marksOf(threeInAll), [1, 2, 3, 10, 30])
  })
})

describe('three failures on each of two nodes', () => {
  const table: [string, boolean, (SightingWord | BanWord)[]][] = [
    ['three and one', false, [sighting('a', 3), sighting('b', 1)]],
    [
      'thirty and one on each of ten',
      false,
      [sighting('a', 30), ...[...'bcdefghijk'].map((node) => sighting(node, 1))],
    ],
    ['three and three', true, [sighting('a', 3), sighting('b', 1), sighting('b', 3)]],
    ['a ban and three', true, [ban('a', 3), sighting('b', 3)]],
  ]
  for (const [what, wanted, words] of table)
    it(`${wanted ? 'are' : 'are not'} ${what}`, () => assert.equal(isEnough(threeOnEach, words), wanted))
})

describe('Quorum', () => {
  it('counts only the jails it is told to', () => {
    const rule = { ...threeInAll, jails: ['sshd'] }
    assert.ok(!isEnough(rule, [sighting('a', 3), sighting('b', 3, 0, 'nginx')]))
    assert.ok(isEnough(rule, [sighting('a', 3), sighting('b', 3)]))
  })

  it('names the nodes and what they have told', () => {
    const quorum = new Quorum({ rule: threeInAll })
    quorum.offer(sighting('web2', 3))
    const verdict = quorum.offer(sighting('web1', 1, 5))
    assert.deepEqual(verdict?.evidence, [
      { node: 'web1', failures: 1 },
      { node: 'web2', failures: 3 },
    ])
    assert.equal(verdict?.ip, ip)
    assert.equal(verdict?.timeMs, startMs + 5 * minuteMs)
  })

  it('does nothing by a word it has had', () => {
    const quorum = new Quorum({ rule: threeInAll })
    const words = [sighting('a', 3), sighting('b', 1)]
    assert.deepEqual(
      [...words, ...words].map((word) => quorum.offer(word) !== undefined),
      [false, true, false, false],
    )
  })

  it('forgets what a revoked node has told', () => {
    const quorum = new Quorum({ rule: threeInAll })
    quorum.offer(sighting('a', 3))
    quorum.withdraw('a')
    assert.equal(quorum.offer(sighting('b', 3)), undefined)
    assert.ok(quorum.offer(sighting('c', 3)))
  })

  it('drops the address nobody has told of for the longest time when it is full', () => {
    const quorum = new Quorum({ rule: threeInAll, addressesMax: 2 })
    const about = (last: number, word: SightingWord) => ({ ...word, ip: `203.0.113.${last}` })
    quorum.offer(about(1, sighting('a', 3)))
    quorum.offer(about(2, sighting('a', 3)))
    quorum.offer(about(1, sighting('a', 3, 1)))
    quorum.offer(about(3, sighting('a', 3)))
    assert.deepEqual(quorum.counts, { addresses: 2, dropped: 1 })
    assert.equal(quorum.offer(about(2, sighting('b', 3))), undefined)
    assert.ok(quorum.offer(about(3, sighting('b', 3))))
  })

  it('keeps nothing of addresses that nobody tells of any more', () => {
    const quorum = new Quorum({ rule: threeInAll })
    quorum.offer(sighting('a', 3))
    quorum.expire(startMs + 59 * minuteMs)
    assert.equal(quorum.counts.addresses, 1)
    quorum.expire(startMs + 60 * minuteMs)
    assert.equal(quorum.counts.addresses, 0)
  })
})

const ruleOfAnyKind = fc.record({
  maxRetry: fc.integer({ min: 1, max: 9 }),
  minNodes: fc.integer({ min: 1, max: 5 }),
  minPerNode: fc.integer({ min: 1, max: 5 }),
  findTimeMs: fc.constant(30 * minuteMs),
  fleetJail: fc.constant('fleet'),
})

/** Told times differ by up to `spanMin`, clocks that are wrong included. */
function wordsOver(spanMin: number) {
  const word = fc.record({
    node: fc.constantFrom(...'abcdefgh'),
    failures: fc.integer({ min: 1, max: 12 }),
    atMs: fc.nat({ max: spanMin * minuteMs - 1 }),
    isBan: fc.boolean(),
  })
  return fc
    .array(word, { maxLength: 25 })
    .map((told) =>
      told.map(({ node, failures, atMs, isBan }) => (isBan ? ban : sighting)(node, failures, atMs / minuteMs)),
    )
}

/** The rule as it reads: what each node has told within the find time before `atMs`. */
function isFulfilled(rule: QuorumRule, words: readonly (SightingWord | BanWord)[], atMs: number): boolean {
  const isOfBans = rule.minNodes <= 1 && rule.minPerNode <= 1
  const counts = new Map<NodeName, number>()
  for (const word of words) {
    if (word.atMs > atMs || word.atMs <= atMs - rule.findTimeMs || (isOfBans && word.kind !== 'ban')) continue
    counts.set(word.node, Math.max(counts.get(word.node) ?? 0, isOfBans ? 1 : word.failures))
  }
  const enough = [...counts.values()].filter((count) => count >= rule.minPerNode)
  return enough.length >= rule.minNodes && enough.reduce((sum, count) => sum + count, 0) >= rule.maxRetry
}

describe('the same words', () => {
  it('are counted as the rule reads, whatever runs out meanwhile', () => {
    fc.assert(
      fc.property(ruleOfAnyKind, wordsOver(120), (rule, told) => {
        const words = told.toSorted((a, b) => a.atMs - b.atMs)
        const quorum = new Quorum({ rule })
        for (const [i, word] of words.entries()) {
          const isNow = quorum.offer(word) !== undefined
          const heard = words.slice(0, i + 1)
          // A word that does not count, or no more than one before it, is no occasion to decide anything.
          if (isNow) assert.ok(isFulfilled(rule, heard, word.atMs))
          else assert.ok(!isFulfilled(rule, heard, word.atMs) || isFulfilled(rule, words.slice(0, i), word.atMs))
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('lead to the same answer in any order and however often, with clocks that are wrong by ten minutes', () => {
    // Ten minutes of events, told by clocks that are up to ten minutes early or late: within thirty.
    const shuffled = wordsOver(30).chain((words) =>
      fc.tuple(
        fc.constant(words),
        fc.shuffledSubarray([...words, ...words], { minLength: 2 * words.length, maxLength: 2 * words.length }),
      ),
    )
    fc.assert(
      fc.property(ruleOfAnyKind, shuffled, (rule, [words, others]) => {
        const here = new Quorum({ rule })
        const there = new Quorum({ rule })
        const decided = [words.some((word) => here.offer(word)), others.some((word) => there.offer(word))]
        const lastMs = Math.max(...words.map(({ atMs }) => atMs))
        const wanted = words.length > 0 && isFulfilled(rule, words, lastMs)
        assert.deepEqual(decided, [wanted, wanted])
      }),
      { numRuns: 2000 },
    )
  })

  it('counts bans that still hold as it counts what is told', () => {
    const standing = (
      node: NodeName,
      failures: number,
      more: { jail?: string; weight?: Weight } = {},
    ): StandingBan => ({
      node,
      failures,
      jail: 'sshd',
      weight: 'alone',
      ...more,
    })
    const isEnoughFor = (rule: QuorumRule, ...bans: StandingBan[]) => new Quorum({ rule }).isEnough(ip, bans)
    assert.ok(isEnoughFor(anyBan, standing('a', 0)))
    assert.ok(!isEnoughFor(anyBan))
    assert.ok(!isEnoughFor(anyBan, standing('a', 5, { jail: 'fleet' })), 'known from others')
    assert.ok(!isEnoughFor(anyBan, standing('a', 5, { weight: 'with-others' })))
    assert.ok(!isEnoughFor(threeInAll, standing('a', 5), standing('a', 9, { jail: 'nginx' })), 'one node')
    assert.ok(isEnoughFor(threeInAll, standing('a', 2), standing('b', 1)))
    assert.ok(!isEnoughFor(threeOnEach, standing('a', 3), standing('b', 2)))
  })
})
