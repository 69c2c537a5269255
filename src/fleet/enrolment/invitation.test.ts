import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Invitation, readToken, tokenOf } from './invitation.js'

const invitation: Invitation = {
  fleet: 'test',
  name: 'web7',
  host: '2001:db8::1',
  port: 4723,
  pin: 'a'.repeat(43),
  id: '0123456789abcdef',
  secret: 'b'.repeat(22),
  expiresMs: 1_795_000_000_000,
}
const token = tokenOf(invitation)

describe('an invitation', () => {
  it('is one word, read back as it was', () => {
    assert.match(token, /^tocsin-invite-[\w-]{100,250}$/)
    assert.deepEqual(readToken(token), invitation)
    assert.deepEqual(readToken(`  ${token}\n`), invitation)
  })

  it('that lost or changed a letter on its way says so', () => {
    for (let i = 'tocsin-invite-'.length; i < token.length - 1; i++) {
      const changed = token.slice(0, i) + (token[i] === 'A' ? 'B' : 'A') + token.slice(i + 1)
      assert.throws(() => readToken(changed), /changed on its way, or is not whole/, `letter ${i}`)
      assert.throws(() => readToken(token.slice(0, i)), /changed on its way, or is not whole/)
    }
    for (const more of ['x', 'xy', '-']) assert.throws(() => readToken(token + more), /changed on its way/)
  })

  it('is told from anything else', () => {
    for (const text of [
      '',
      'web7',
      'tocsin-invite-',
      token.slice(5),
      `${token} x`,
      `tocsin-invite-${'a'.repeat(2000)}`,
    ])
      assert.throws(() => readToken(text), /no invitation|not whole/)
  })

  it('of another make is not taken, whatever its checksum', () => {
    const wrong = [
      { host: 'a b' },
      { name: '../x' },
      { fleet: '' },
      { port: 0 },
      { port: 70_000 },
      { pin: 'short' },
      { id: 'x' },
    ]
    for (const change of wrong) assert.throws(() => readToken(tokenOf({ ...invitation, ...change })), /another version/)
  })
})
