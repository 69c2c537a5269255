import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Scope } from '../domain/enforcer.js'
import { wishes } from './wishes.js'

const plain: Scope = { jail: 'sshd', ports: [{ first: 22, last: 22 }], protocols: ['tcp'] }
const rejecting: Scope = { ...plain, verdict: 'reject', rejectWith: 'tcp-reset' }
const logging: Scope = { ...plain, log: { packets: 1, per: 'hour' } }

describe('what is tried to arrange', () => {
  const tried = (scopes: Scope[], ingress: string[]) =>
    wishes(scopes, ingress).map((wish) => [
      wish.scopes.every(({ verdict, log }) => verdict === undefined && log === undefined) ? 'plain' : 'as asked',
      wish.ingress.length,
      wish.loss !== undefined,
    ])

  it('is one thing where nothing unusual is asked for', () => {
    assert.deepEqual(wishes([plain], []), [{ scopes: [plain], ingress: [], loss: undefined }])
  })

  it('is to do without ingress, and to drop, each with a sentence on what is lost', () => {
    assert.deepEqual(tried([plain], ['eth0']), [
      ['plain', 1, false],
      ['plain', 0, true],
    ])
    for (const scope of [rejecting, logging]) {
      assert.deepEqual(tried([scope], []), [
        ['as asked', 0, false],
        ['plain', 0, true],
      ])
      assert.deepEqual(tried([scope], ['eth0']), [
        ['as asked', 1, false],
        ['as asked', 0, true],
        ['plain', 1, true],
        ['plain', 0, true],
      ])
    }
  })
})
