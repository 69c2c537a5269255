import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { verdictOf } from './verdict.js'

describe('what a stock action does with packets', () => {
  for (const target of ['DROP', 'drop', 'counter drop'])
    it(`is to drop them: ${target}`, () => assert.deepEqual(verdictOf(target), { verdict: 'drop' }))

  for (const [target, rejectWith] of [
    ['REJECT', undefined],
    ['reject', undefined],
    ['counter reject', undefined],
    ['REJECT --reject-with icmp-port-unreachable', undefined],
    ['REJECT --reject-with icmp6-port-unreachable', undefined],
    ['REJECT --reject-with tcp-reset', 'tcp-reset'],
    ['REJECT --reject-with icmp-host-unreachable', 'host-unreachable'],
    ['REJECT --reject-with icmp-net-unreachable', 'no-route'],
    ['REJECT --reject-with icmp6-no-route', 'no-route'],
    ['REJECT --reject-with icmp6-addr-unreachable', 'host-unreachable'],
    ['REJECT --reject-with icmp-admin-prohibited', 'admin-prohibited'],
    ['REJECT --reject-with icmp-host-prohibited', 'admin-prohibited'],
    ['REJECT --reject-with icmp6-adm-prohibited', 'admin-prohibited'],
    ['reject with tcp reset', 'tcp-reset'],
    ['reject with icmp type host-unreachable', 'host-unreachable'],
    ['reject with icmpx type admin-prohibited', 'admin-prohibited'],
    ['reject with icmpx no-route', 'no-route'],
    ['reject with icmp type 1', 'host-unreachable'],
    ['reject with icmp type 3', undefined],
    ["reject type='icmp-port-unreachable'", undefined],
    ["reject type='icmp-host-prohibited'", 'admin-prohibited'],
  ] as const)
    it(`is to reject them: ${target}`, () => {
      assert.deepEqual(verdictOf(target), { verdict: 'reject', ...(rejectWith && { rejectWith }) })
    })
})
