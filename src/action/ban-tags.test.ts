import assert from 'node:assert/strict'
import { it } from 'node:test'
import { banOf } from './action-kit.js'
import { BanTags } from './ban-tags.js'

it('says how much text of the log it keeps, and asks no store for that', () => {
  const fail = () => assert.fail('asked')
  const sources = { figures: fail, hostOf: fail, history: fail, lastOf: fail }
  const ban = banOf({ lines: ['ab', 'c'], data: { user: 'defg' } })
  assert.equal(new BanTags('jail', ban, sources, ban).textLength, 7)
  assert.equal(new BanTags('jail', ban, sources).textLength, 0)
})
