import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type JournalSource, journalCommand, journalProblems } from './journal-command.js'

const source = (matches: readonly (readonly string[])[], options: JournalSource['options'] = {}) => ({
  matches,
  options,
})
const start = { sinceMs: 1_790_000_000_250 }
const machineId = 'f'.repeat(32)
/** What depends on the source: the arguments behind those that are always the same. */
const own = (of: JournalSource) => {
  const argv = journalCommand(of, start, machineId)
  return argv.slice(argv.indexOf('--merge') + 1)
}
const since = '--since=@1790000000.250000'
const here = `_MACHINE_ID=${machineId}`

describe('the journalctl command', () => {
  it('begins at the cursor, else at the time', () => {
    const argv = journalCommand(source([['A=b']]), { ...start, cursor: 's=1;t=2' }, undefined)
    assert.deepEqual(argv.slice(-2), ['--cursor=s=1;t=2', 'A=b'])
    assert.deepEqual(journalCommand(source([]), start, undefined).slice(-2), ['--merge', since])
  })

  it('has OR between branches and lines, and this machine in every branch', () => {
    const matches = [['_SYSTEMD_UNIT=sshd.service', '+', '_COMM=sshd', '_PID=1'], ['A=has blanks $(id)'], ['+'], []]
    const ours = own(source(matches))
    assert.deepEqual(ours, [
      since,
      '_SYSTEMD_UNIT=sshd.service',
      here,
      '+',
      '_COMM=sshd',
      '_PID=1',
      here,
      '+',
      'A=has blanks $(id)',
      here,
    ])
    assert.deepEqual(own(source([])), [since, here])
    assert.deepEqual(own(source([['_MACHINE_ID=0', '+', 'A=b']])), [since, '_MACHINE_ID=0', '+', 'A=b', here])
  })

  for (const [what, options, expected] of [
    ['a directory', { journalpath: '/var/log/journal' }, ['--directory=/var/log/journal', since]],
    ['files', { journalfiles: '/a/*.journal, /b' }, ['--file=/a/*.journal', '--file=/b', since]],
    ['a namespace', { namespace: 'mail' }, ['--namespace=mail', since, here]],
    ['local entries', { journalflags: '1', rotated: 'on' }, [since, here]],
    ['entries since the boot', { journalflags: '3' }, ['--directory=/run/log/journal', since, here]],
    ["the system's entries of all machines", { journalflags: '4' }, ['--system', since]],
    ['the entries of a user', { journalflags: '9' }, ['--user', since, here]],
  ] as const) {
    it(`reads ${what} when told to`, () => assert.deepEqual(own(source([], options)), expected))
  }

  it('lets nothing through that could be an option', () => {
    const words = [
      '--file=/etc/shadow',
      '-D',
      '/usr/sbin/sshd',
      'lower=x',
      'A',
      '=x',
      '1A=x',
      'A=\0',
      `${'A'.repeat(65)}=x`,
      '\n--follow=x',
    ]
    for (const word of words) assert.equal(journalProblems(source([['A=b', '+', word]])).length, 1, word)
    assert.deepEqual(journalProblems(source([['A=--file', '+', '_B_2=']], { journalflags: '1', namespace: 'x' })), [])
  })

  it('has a sentence for every option that is wrong', () => {
    const problems = journalProblems(source([], { journalpaht: '/x', journalflags: '0x1', namespace: 'a\0b' }))
    assert.match(
      problems.join('\n'),
      /journalpaht=.*no such option.*rotated\njournalflags "0x1" is not a number\nnamespace holds a NUL/,
    )
  })
})
