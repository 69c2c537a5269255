import assert from 'node:assert/strict'
import { it } from 'node:test'
import { generateKeyPair, keyPairOf, publicKeyOf, publicKeyText, seedOf } from './key.js'
import { keysOf, memberOf, startMs } from './message-kit.js'
import { openStatement, sealStatement } from './statement.js'

const members = new Map([memberOf('web7'), memberOf('boss', { level: 'operator' })].map((one) => [one.name, one]))
const said = (subject: string, node: string, content: Record<string, unknown> = { mode: 'off' }) => {
  const place = { fleet: 'example', subject }
  const body = sealStatement({ seq: 3, atMs: startMs, content }, { ...place, node, key: keysOf(node).privateKey })
  return openStatement(body, { ...place, memberOf: (name) => members.get(name) })
}

it('a statement is heard where its teller may speak', () => {
  const heard = said('ctl.mode', 'boss')
  assert.deepEqual('statement' in heard && heard.statement, { seq: 3, atMs: startMs, content: { mode: 'off' } })
  const results = [said('hb.web7', 'web7'), said('head', 'web7'), said('ctl.mode', 'web7'), said('hb.web7', 'boss')]
  assert.deepEqual(
    results.map((one) => ('refused' in one ? one.refused : 'heard')),
    ['heard', 'heard', 'not-an-operator', 'foreign-subject'],
  )
})

it('a statement is at most five deep', () => {
  const nested = (depth: number): Record<string, unknown> => (depth === 1 ? {} : { x: nested(depth - 1) })
  const results = [5, 6].map((depth) => said('ctl.mode', 'boss', nested(depth)))
  assert.deepEqual(
    results.map((one) => ('refused' in one ? one.refused : 'heard')),
    ['heard', 'malformed'],
  )
})

it('a key is kept as its seed and told as 43 characters, in one way only', () => {
  const { privateKey, publicKey } = generateKeyPair()
  const text = publicKeyText(publicKey)
  assert.equal(publicKeyText(keyPairOf(seedOf(privateKey)).publicKey), text)
  assert.equal(publicKeyText(publicKeyOf(text) ?? assert.fail()), text)
  const last = text.at(-1) ?? ''
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const alike = text.slice(0, -1) + alphabet[alphabet.indexOf(last) + 1]
  for (const wrong of [alike, `${text}=`, text.slice(1), '', 7, undefined]) assert.equal(publicKeyOf(wrong), undefined)
})
