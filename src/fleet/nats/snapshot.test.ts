import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { Word } from '../word.js'
import { spreadIp } from './node-kit.js'
import { decodePart, encodePart } from './snapshot.js'

const atMs = Date.UTC(2026, 10, 21, 1, 30)

function ban(ip: string, seq: number, change: object = {}): Word {
  const untilMs = atMs + 600_000
  return {
    kind: 'ban',
    node: 'web7',
    seq,
    atMs: atMs + seq,
    ip,
    jail: 'sshd',
    untilMs,
    failures: 3,
    byHand: false,
    ...change,
  }
}

const words: Word[] = [
  ban('203.0.113.9', 1),
  ban('0.0.0.0', 2, { jail: 'pam "generic"', untilMs: undefined }),
  ban('255.255.255.255', 9, { byHand: true, failures: 0 }),
  ban('2001:db8::1', 4),
  ban('198.51.100.0/24', 5),
  {
    kind: 'unban',
    node: 'web7',
    seq: 6,
    atMs,
    ip: '203.0.113.7',
    jail: undefined,
    untilMs: atMs + 1,
    everywhere: false,
  },
]

const bySeq = (list: readonly Word[]) => [...list].sort((a, b) => a.seq - b.seq)

describe('a part of a snapshot', () => {
  it('gives back every word, to the millisecond', async () => {
    const part = await decodePart(await encodePart({ id: 'x', part: 3, words }), 'web7')
    assert.equal(part.id, 'x')
    assert.equal(part.part, 3)
    assert.equal(part.count, words.length)
    assert.deepEqual(bySeq([...part.words(0, 2), ...part.words(2, 10_000)]), bySeq(words))
  })

  it('needs about eleven bytes a ban', async () => {
    const many = Array.from({ length: 20_000 }, (_, i) =>
      ban(spreadIp(i), i + 1, {
        atMs: atMs - ((i * 7919) % 3_600_000),
        untilMs: atMs - ((i * 7919) % 3_600_000) + 3_600_000,
      }),
    )
    const { length } = await encodePart({ id: 'x', part: 0, words: many })
    assert(length / many.length < 12, `${length / many.length} bytes`)
  })

  it('refuses numbers that fit nothing', async () => {
    const only = await encodePart({ id: 'x', part: 0, words: [ban('203.0.113.9', 1)] })
    const plain = inflateRawSync(only)
    let refused = 0
    for (let at = 0; at < plain.length; at++) {
      const changed = Buffer.from(plain)
      changed[at] = 0x7f
      const part = await decodePart(deflateRawSync(changed), 'web7').catch(() => undefined)
      if (part === undefined) refused++
      for (const word of part?.words(0, part.count) ?? []) {
        assert.ok(word.seq >= 1 && word.atMs >= 0 && word.jail !== '', `byte ${at}`)
      }
    }
    assert.ok(refused > 0)
  })

  it('refuses what is cut, changed or too large', async () => {
    const plain = inflateRawSync(await encodePart({ id: 'x', part: 0, words }))
    for (let length = 0; length < plain.length; length++)
      await assert.rejects(decodePart(deflateRawSync(plain.subarray(0, length)), 'web7'))
    await assert.rejects(decodePart(deflateRawSync(Buffer.concat([plain, Buffer.of(0)])), 'web7'), /behind its end/)
    await assert.rejects(decodePart(deflateRawSync(Buffer.alloc(17 << 20)), 'web7'))
    await assert.rejects(decodePart(Buffer.from('nonsense'), 'web7'))
  })
})
