import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { contains, type Ip, overlaps } from '../domain/address.js'
import { ip } from './firewall-kit.js'
import { NetworkCover, networkOf } from './network-cover.js'

/** Networks within 10.0.0.0/24, so that they meet often. */
const network = fc
  .tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 24, max: 31 }))
  .map(([last, prefix]) => networkOf(Uint8Array.of(10, 0, 0, last & (0xff << (32 - prefix))), prefix))
const step = fc.record({ ip: network, endMs: fc.integer({ min: 1, max: 9 }), isOpened: fc.boolean() })

describe('the pieces of overlapping networks', () => {
  it('are disjoint, and end where the last network around an address ends', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), fc.integer({ min: 0, max: 9 }), (steps, nowMs) => {
        const cover = new NetworkCover()
        const wanted = new Map<string, { ip: Ip; endMs: number }>()
        const held = new Map<string, { ip: Ip; endMs: number }>()
        for (const { ip, endMs, isOpened } of steps) {
          const { gone, come } = isOpened ? cover.remove([ip], nowMs) : cover.put([{ ip, endMs }], nowMs)
          if (isOpened) wanted.delete(ip.text)
          else wanted.set(ip.text, { ip, endMs })
          for (const piece of gone) assert.ok(held.delete(piece.ip.text), 'goes only what is there')
          for (const piece of come) {
            assert.ok(![...held.values()].some((other) => overlaps(other.ip, piece.ip)), 'comes only beside the others')
            held.set(piece.ip.text, piece)
          }
        }
        assert.deepEqual(endsOf(held.values()), endsOf([...wanted.values()].filter(({ endMs }) => endMs > nowMs)))
        assert.deepEqual(new Set(held.keys()), new Set([...cover.pieces(nowMs)].map((piece) => piece.ip.text)))
      }),
      { numRuns: 300 },
    )
  })

  it('stay IPv6 where they lie among the v4-mapped addresses', () => {
    const cover = new NetworkCover()
    cover.put(
      [
        { ip: ip('::/64'), endMs: 1 },
        { ip: ip('::fffe:0:0/96'), endMs: 2 },
      ],
      0,
    )
    const pieces = [...cover.pieces(0)]
    assert.ok(pieces.every((piece) => piece.ip.family === 6 && piece.ip.bytes.length === 16))
    assert.ok(pieces.some((piece) => piece.ip.text === '::ffff:0.0.0.0/96'))
    assert.equal(new Set(pieces.map((piece) => piece.ip.text)).size, pieces.length)
  })

  it('forget networks that have ended', () => {
    const cover = new NetworkCover()
    for (let i = 0; i < 1_000; i++) cover.put([{ ip: ip(`10.${i >> 8}.${i & 255}.0/24`), endMs: i + 1 }], i)
    assert.ok([...cover.networks()].length <= 128)
  })
})

/** The end of every address of 10.0.0.0/24, slowly. */
function endsOf(networks: Iterable<{ ip: Ip; endMs: number }>): number[] {
  const list = [...networks]
  return Array.from({ length: 256 }, (_, last) => {
    const address = networkOf(Uint8Array.of(10, 0, 0, last), 32)
    return Math.max(0, ...list.filter(({ ip }) => contains(ip, address)).map(({ endMs }) => endMs))
  })
}
