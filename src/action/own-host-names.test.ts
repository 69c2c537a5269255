import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { it } from 'node:test'
import { ownHostNames } from './own-host-names.js'

it('says something usable even when nobody answers', async () => {
  const impatient = {
    now: () => 0,
    after(_: number, task: () => void) {
      task()
      return () => {}
    },
  }
  assert.deepEqual(await ownHostNames(impatient), { short: hostname(), full: hostname() })
})
