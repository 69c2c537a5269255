import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { lineOf, receivedUs, writtenUs } from './journal-entry.js'

const line = (fields: Record<string, string>) => lineOf(new Map(Object.entries(fields)))

describe('the line of a journal entry', () => {
  for (const [what, fields, expected] of [
    [
      'has host, program, process and message',
      { _HOSTNAME: 'web', SYSLOG_IDENTIFIER: 'sshd', _PID: '12', MESSAGE: 'm' },
      'web sshd[12]: m',
    ],
    [
      'prefers what the sender says of itself',
      { SYSLOG_IDENTIFIER: 'a', _COMM: 'b', SYSLOG_PID: '1', _PID: '2', MESSAGE: 'm' },
      'a[1]: m',
    ],
    [
      'falls back on what the kernel knows',
      { _HOSTNAME: 'web', SYSLOG_IDENTIFIER: '', _COMM: 'b', _PID: '2', MESSAGE: 'm' },
      'web b[2]: m',
    ],
    ['leaves out what is missing', { MESSAGE: 'm', _PID: '2' }, 'm'],
    ['does without a process', { _HOSTNAME: 'web', _COMM: 'b', MESSAGE: 'm' }, 'web b: m'],
    ['stays one line', { _HOSTNAME: 'w\nx', _COMM: 'b\n', MESSAGE: 'one\ntwo\n' }, 'w\\nx b\\n: one\\ntwo\\n'],
    [
      'has the uptime for the kernel',
      { _HOSTNAME: 'web', SYSLOG_IDENTIFIER: 'kernel', _SOURCE_MONOTONIC_TIMESTAMP: '12345678', MESSAGE: 'm' },
      'web kernel: [   12.345678] m',
    ],
    [
      'has the time of arrival for a kernel that says none',
      { SYSLOG_IDENTIFIER: 'kernel', __MONOTONIC_TIMESTAMP: '1', MESSAGE: 'm' },
      'kernel: [    0.000001] m',
    ],
  ] as const) {
    it(what, () => assert.equal(line(fields), expected))
  }

  it('has the time its sender says, else that of its arrival, and never one that is no number', () => {
    const arrival = ['__REALTIME_TIMESTAMP', '1790000000000002'] as const
    assert.equal(writtenUs(new Map([['_SOURCE_REALTIME_TIMESTAMP', '1790000000000001'], arrival])), 1790000000000001)
    for (const wrong of ['', '-1', '1e3', '12345678901234567890']) {
      assert.equal(writtenUs(new Map([['_SOURCE_REALTIME_TIMESTAMP', wrong], arrival])), 1790000000000002)
    }
    assert.equal(receivedUs(new Map()), undefined)
  })
})
