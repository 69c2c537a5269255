import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ipOf } from '../../domain/address.js'
import type { Member } from '../member.js'
import type { Word } from '../word.js'
import { bodyBytesMax, sealFields } from './envelope.js'
import { canBeTold, open, seal, wordsMax } from './message.js'
import { banWord, keysOf, memberOf, sightingWord, startMs, unbanWord } from './message-kit.js'
import { signAt } from './signature.js'

const fleet = 'example'
const subject = 'bans.web7.4.203.0.113.9'
const members = new Map<string, Member>([
  ['web7', memberOf('web7')],
  ['web8', memberOf('web8')],
  ['gone', memberOf('gone', { revokedAtMs: startMs })],
  ['late', memberOf('late', { sinceMs: startMs + 1 })],
  ['boss', memberOf('boss', { level: 'operator' })],
])
const opened = (body: Uint8Array, at = subject, where = fleet) =>
  open(body, { fleet: where, subject: at, memberOf: (name) => members.get(name) })
const sealed = (words: Word[], at = subject, node = 'web7', by = node) =>
  seal(words, { fleet, subject: at, node, key: keysOf(by).privateKey })
/** Whatever fields, truly signed by a member. */
const signed = (fields: Record<string, unknown>, at = subject, node = 'web7') =>
  sealFields(fields, { fleet, subject: at, node, key: keysOf(node).privateKey })
/** Whatever text, truly signed by a member. */
const signedText = (text: string | Buffer) => {
  const bytes = Buffer.from(text)
  const signature = signAt(bytes, { fleet, subject }, keysOf('web7').privateKey).toString('base64url')
  return Buffer.concat([bytes.subarray(0, -1), Buffer.from(`,"s":"${signature}"}`)])
}
const reason = (result: ReturnType<typeof open>) => ('refused' in result ? result.refused : 'believed')
const entry = { t: 'ban', q: 1, at: startMs, a: '203.0.113.9', j: 'sshd', u: startMs + 1, c: 5 }

describe('a message', () => {
  it('is always the same bytes for the same words, fleet, subject and key', () => {
    assert.equal(
      Buffer.from(sealed([banWord()])).toString(),
      '{"v":1,"n":"web7","e":[{"t":"ban","q":48211,"at":1795262400000,"a":"203.0.113.9","j":"sshd","u":1795266000000,"c":5}],"s":"wctLW0OvoT0zKzeRbRvLafLo4bW1-kZ9mQ5sI6jDbH5kmyDBQDO0kwk8pJtta21mQxpjSJcjn-Pp9oY3uQYoCQ"}',
    )
  })

  it('gives back what was sealed', () => {
    const words = [banWord({ seq: 1, untilMs: undefined, byHand: true }), unbanWord({ seq: 2, jail: 'sshd' })]
    const result = opened(sealed(words))
    assert.ok('words' in result)
    assert.deepEqual([result.words.map(({ word }) => word), result.member.name], [words, 'web7'])
  })

  it('gives back whatever can be told, a hundred words under one signature', () => {
    const ip = fc.oneof(
      fc.ipV4(),
      fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => ipOf(bytes).text),
    )
    const jail = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
    const atMs = fc.integer({ min: startMs - 1e9, max: startMs })
    const ban = fc.record({ ip, jail, atMs, failures: fc.nat(), byHand: fc.boolean() }).map(banWord)
    const unban = fc.record({ ip, jail: fc.option(jail, { nil: undefined }), atMs }).map(unbanWord)
    fc.assert(
      fc.property(fc.array(fc.oneof(ban, unban), { minLength: 1, maxLength: wordsMax }), (words) => {
        const told = words.map((word, i) => ({ ...word, seq: i + 1 })).filter(canBeTold)
        if (told.length === 0) return
        const result = opened(sealed(told, 'bans.web7.batch'), 'bans.web7.batch')
        assert.deepEqual('words' in result && result.words.map(({ word }) => word), told)
      }),
      { numRuns: 50 },
    )
  })

  it('has room for as many of the longest words as it may have', () => {
    const long = { ip: '2001:db8:1111:2222:3333:4444:5555:6666', jail: '\u{1f6a8}'.repeat(32), byHand: true }
    const words = Array.from({ length: wordsMax }, (_, i) =>
      banWord({ ...long, seq: Number.MAX_SAFE_INTEGER - 200 + i }),
    )
    const body = sealed(words, 'bans.web7.batch.1')
    assert.ok(body.length < bodyBytesMax)
    assert.equal(reason(opened(body, 'bans.web7.batch.1')), 'believed')
  })

  it('costs at most 400 bytes a ban and node, with what frames it, and few in a batch', () => {
    const framing = (at: string) => `MSG ${at} 99 9999\r\n\r\n`.length + 29 + 52 // TLS 1.3 record, TCP and IPv4
    const one = sealed([banWord()]).length + framing(subject)
    const words = Array.from({ length: 100 }, (_, i) => banWord({ seq: 48_211 + i, ip: `203.0.113.${i}` }))
    const batch = (sealed(words, 'bans.web7.batch.1').length + framing('bans.web7.batch.1')) / 100
    assert.ok(one <= 400 && batch <= 120, `${one} ${batch}`)
  })
})

describe('of nobody knows whom, a message', () => {
  const body = sealed([banWord()])
  const other = sealed([banWord({ ip: '203.0.113.10' })], 'bans.web7.batch')

  for (const [what, result, expected] of [
    ['as it was sealed', opened(body), 'believed'],
    ['of another fleet', opened(body, subject, 'other'), 'signature'],
    ['told again on a batch subject', opened(body, 'bans.web7.batch'), 'signature'],
    ['told again on the subject of another address', opened(body, 'bans.web7.4.203.0.113.10'), 'signature'],
    ['on the subject of another node', opened(body, 'bans.web8.4.203.0.113.9'), 'foreign-subject'],
    ['of another node, signed with its own key', opened(sealed([banWord()], subject, 'web7', 'web8')), 'signature'],
    [
      'of a node that nobody knows',
      opened(sealed([banWord({ node: 'web9' })], 'bans.web9.batch', 'web9'), 'bans.web9.batch'),
      'unknown-node',
    ],
    [
      'of a revoked node',
      opened(sealed([banWord({ node: 'gone' })], 'bans.gone.batch', 'gone'), 'bans.gone.batch'),
      'revoked-node',
    ],
    [
      'from before its node joined',
      opened(sealed([banWord({ node: 'late' })], 'bans.late.batch', 'late'), 'bans.late.batch'),
      'before-epoch',
    ],
    [
      'about an address, on the subject of another',
      opened(signed({ e: [{ ...entry, a: '203.0.113.10' }] })),
      'foreign-subject',
    ],
    ['about any address, on a batch subject', opened(other, 'bans.web7.batch'), 'believed'],
    ['of a sighting, on a subject of bans', opened(sealed([sightingWord()])), 'foreign-subject'],
    ['of a sighting of any shard', opened(sealed([sightingWord()], 'sight.all.web7'), 'sight.all.web7'), 'believed'],
    ['of a sighting in its shard', opened(sealed([sightingWord()], 'sight.94.web7'), 'sight.94.web7'), 'believed'],
    [
      'of a sighting in another shard',
      opened(sealed([sightingWord()], 'sight.00.web7'), 'sight.00.web7'),
      'foreign-subject',
    ],
    ['of a ban, on a subject of heartbeats', opened(sealed([banWord()], 'hb.web7'), 'hb.web7'), 'foreign-subject'],
    ['that lifts for all, of a node', opened(sealed([unbanWord({ everywhere: true })])), 'foreign-subject'],
    [
      'that lifts for all, of a node that goes to the operators',
      opened(sealed([unbanWord({ everywhere: true })], 'ctl.unban.4.203.0.113.9'), 'ctl.unban.4.203.0.113.9'),
      'not-an-operator',
    ],
    [
      'that lifts for all, of an operator',
      opened(
        sealed([unbanWord({ everywhere: true, node: 'boss' })], 'ctl.unban.4.203.0.113.9', 'boss'),
        'ctl.unban.4.203.0.113.9',
      ),
      'believed',
    ],
    [
      'that bans for all, of an operator',
      opened(
        sealed([banWord({ node: 'boss', ip: '198.51.0.0/16' })], 'ctl.ban.4.198.51.0.0.p16', 'boss'),
        'ctl.ban.4.198.51.0.0.p16',
      ),
      'believed',
    ],
    ['on no subject of ours', opened(body, 'bans.web7.4.203.0.113.09'), 'foreign-subject'],
    ['of nothing', opened(Buffer.alloc(0)), 'unsigned'],
    ['of zeros', opened(Buffer.alloc(5000)), 'unsigned'],
    ['without its signature', opened(Buffer.from('{"v":1,"n":"web7","e":[]}')), 'unsigned'],
    ['that is cut off', opened(body.subarray(0, -1)), 'unsigned'],
    ['with something after it', opened(Buffer.concat([body, Buffer.from(' ')])), 'unsigned'],
    ['that is too long', opened(Buffer.concat([Buffer.alloc(bodyBytesMax), body])), 'too-large'],
    [
      'that is too deep',
      opened(signedText(`{"v":1,"n":"web7","e":${'['.repeat(20_000)}${']'.repeat(20_000)}}`)),
      'malformed',
    ],
    ['of another version', opened(signedText('{"v":2,"n":"web7","e":[]}')), 'version'],
    ['with blanks', opened(signedText(`{"v":1, "n":"web7","e":[${JSON.stringify(entry)}]}`)), 'malformed'],
    [
      'with a name twice',
      opened(signedText(`{"v":1,"n":"web8","n":"web7","e":[${JSON.stringify(entry)}]}`)),
      'malformed',
    ],
    [
      'with another way to write a character',
      opened(signedText(`{"v":1,"n":"web\\u0037","e":[${JSON.stringify(entry)}]}`)),
      'malformed',
    ],
    [
      'with bytes that are no text',
      opened(
        signedText(
          Buffer.from(`{"v":1,"n":"web7","e":[${JSON.stringify({ ...entry, j: '\xf0\x9f\x92' })}]}`, 'latin1'),
        ),
      ),
      'malformed',
    ],
    ['that is a list', opened(signedText('[1]')), 'malformed'],
    ['that is no JSON', opened(signedText('{"v":1,}')), 'malformed'],
    ['of nobody', opened(signedText('{"v":1,"e":[]}')), 'malformed'],
    ['of a name that is none', opened(signedText('{"v":1,"n":"../web7","e":[]}')), 'malformed'],
    ['with no words', opened(signed({ e: [] })), 'too-large'],
    [
      'with too many words',
      opened(signed({ e: Array.from({ length: wordsMax + 1 }, (_, i) => ({ ...entry, q: i + 1 })) })),
      'too-large',
    ],
    ['with more than words', opened(signed({ e: [entry], x: 1 })), 'malformed'],
    ['with words that are not in order', opened(signed({ e: [{ ...entry, q: 2 }, entry] })), 'malformed'],
    ['with a word twice', opened(signed({ e: [entry, entry] })), 'malformed'],
  ] as const)
    it(`${what}: ${expected}`, () => assert.equal(reason(result), expected))

  it('is refused whichever of its bits is turned', () => {
    for (let i = 0; i < body.length * 8; i++) {
      const turned = Uint8Array.from(body)
      turned[i >> 3] = (turned[i >> 3] ?? 0) ^ (1 << (i & 7))
      assert.notEqual(reason(opened(turned)), 'believed', `bit ${i}`)
    }
  })

  it('never makes us throw, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((json) => signedText(`{"v":1,"n":"web7","e":[${json}]}`)),
        ),
        (bytes) => {
          assert.notEqual(reason(opened(bytes)), 'believed')
        },
      ),
    )
  })
})

describe('a word', () => {
  it('as it should be is believed', () => assert.equal(reason(opened(signed({ e: [entry] }))), 'believed'))

  for (const [what, wrong] of [
    ['a number that is none', { q: 0 }],
    ['a number that is a fraction', { q: 1.5 }],
    ['a number beyond all numbers', { q: 2 ** 53 }],
    ['a number that is a text', { q: '1' }],
    ['a time in seconds', { at: Math.floor(startMs / 1000) }],
    ['a time in a thousand years', { at: startMs * 20, u: null }],
    ['an end before its begin', { u: startMs }],
    ['an end that is none', { u: 'never' }],
    ['an address that is a name', { a: 'example.org' }],
    ['an address that is written otherwise', { a: '::ffff:203.0.113.9' }],
    ['an address with a zone', { a: 'fe80::1%eth0' }],
    ['an address with a port', { a: '203.0.113.9:22' }],
    ['a network with bits of a host', { a: '203.0.113.9/24' }],
    ['no failures, but a text', { c: null }],
    ['fewer than no failures', { c: -1 }],
    ['no jail', { j: '' }],
    ['a jail with a line end', { j: 'sshd\nfoo' }],
    ['a jail that turns text around', { j: '\u202esshd' }],
    ['a jail of half a character', { j: '\ud800' }],
    ['a long jail', { j: 'x'.repeat(65) }],
    ['a kind that is none', { t: 'kick' }],
    ['a kind with the parts of another', { t: 'unban' }],
    ['a part that we do not know', { x: 1 }],
    ['a hand that is none', { h: 0 }],
  ] as const) {
    it(`with ${what} is refused`, () =>
      assert.equal(
        reason(opened(signed({ e: [{ ...entry, ...wrong }] }, 'bans.web7.batch'), 'bans.web7.batch')),
        'malformed',
      ))
  }

  it('that others would refuse is known before it is told', () => {
    assert.deepEqual(
      [banWord(), banWord({ ip: '203.0.113.09' }), banWord({ jail: 'x\0' }), unbanWord({ untilMs: 0 })].map(canBeTold),
      [true, false, false, false],
    )
    assert.throws(() => sealed([banWord({ jail: '' })]), /no word that others would take/)
    assert.throws(() => sealed([banWord({ node: 'web8' })]), /a word of web8, sealed by web7/)
  })
})
