import assert from 'node:assert/strict'
import { it } from 'node:test'
import { bannedBy, evidenceIn } from './banned-by.js'

it('has in a line what the line was made of', () => {
  const evidence = [
    { node: 'web1', failures: 2 },
    { node: '(anybody)', failures: 1 },
  ]
  assert.equal(bannedBy(evidence), 'Banned by web1: 2, (anybody): 1')
  assert.deepEqual(evidenceIn(bannedBy(evidence)), evidence)
  assert.deepEqual(evidenceIn('Nov 21 10:00:00 web1 sshd[1]: Failed password for root'), [])
})
