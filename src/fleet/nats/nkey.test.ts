import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { keyPairOf, publicKeyText } from '../message/key.js'
import { base32, brokerKeyPair, isNkey, nkeyText } from './nkey.js'

const seed = Buffer.alloc(32, 7)
const { publicKey } = brokerKeyPair(seed)

describe('nkeys', () => {
  it('begin with the letter of what they are for', () => {
    assert.match(nkeyText('operator', publicKey), /^O[A-Z2-7]{55}$/)
    assert.match(nkeyText('account', publicKey), /^A[A-Z2-7]{55}$/)
    assert.match(nkeyText('user', publicKey), /^U[A-Z2-7]{55}$/)
  })

  it('are told from damaged ones and from those of another kind', () => {
    const isUser = (key: string): boolean => isNkey('user', key)
    const text: string = nkeyText('user', publicKey)
    assert(isUser(text))
    assert.equal(isNkey('account', String(text)), false)
    for (let i = 0; i < text.length; i++)
      assert(!isUser(`${text.slice(0, i)}${text[i] === 'A' ? 'B' : 'A'}${text.slice(i + 1)}`), `letter ${i}`)
    assert(!isNkey('user', undefined) && !isNkey('user', 5))
    for (const wrong of ['', text.slice(1), `${text}A`, text.toLowerCase()]) assert(!isUser(wrong))
  })

  it('are not the keys of words: what a broker has signed is no word', () => {
    assert.notEqual(publicKeyText(keyPairOf(seed).publicKey), publicKeyText(publicKey))
    assert.equal(nkeyText('user', brokerKeyPair(Buffer.from(seed)).publicKey), nkeyText('user', publicKey))
  })

  it('are in the base32 of RFC 4648', () => {
    const known = { f: 'MY', fo: 'MZXQ', foo: 'MZXW6', foob: 'MZXW6YQ', fooba: 'MZXW6YTB', foobar: 'MZXW6YTBOI' }
    for (const [text, encoded] of Object.entries(known)) assert.equal(base32(Buffer.from(text)), encoded)
  })
})
