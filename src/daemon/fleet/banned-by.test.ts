import assert from 'node:assert/strict'
import { it } from 'node:test'
import { bannedBy, namesIn } from './banned-by.js'

it('names in a line those whom the line was made of', () => {
  const evidence = [
    { node: 'web1', failures: 2 },
    { node: '(anybody)', failures: 1 },
  ]
  assert.equal(bannedBy(evidence), 'Banned by web1: 2, (anybody): 1')
  assert.deepEqual(namesIn(bannedBy(evidence)), ['web1', '(anybody)'])
  assert.deepEqual(namesIn('Nov 21 10:00:00 web1 sshd[1]: Failed password for root'), [])
})
