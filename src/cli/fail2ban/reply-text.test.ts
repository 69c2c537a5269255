import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PyFloat, type PyValue, tuple } from '../../lib/python-repr.js'
import { refusalArgs, refusalText, replyText } from './reply-text.js'

const shown = (command: string, value: PyValue) => replyText(command.split(' '), value, true)

const jailStatus: PyValue = [
  tuple('Filter', [tuple('Currently failed', 1), tuple('Total failed', 2), tuple('File list', ['/a.log', '/b.log'])]),
  tuple('Actions', [tuple('Currently banned', 0), tuple('Total banned', 3), tuple('Banned IP list', [])]),
]

const figures: PyValue = {
  sshd: ['polling', tuple(0, 12), tuple(3, 1234)],
  'a-jail-with-a-name': ['systemd', tuple(1, 1), tuple(0, 0)],
}

describe('the answer to a command', () => {
  const answers: [command: string, value: PyValue, text: string][] = [
    ['ping', 'pong', 'Server replied: pong'],
    ['start sshd', null, 'Jail started'],
    ['stop', null, 'Shutdown successful'],
    ['stop sshd', null, 'Jail stopped'],
    ['add sshd polling', 'sshd', 'Added jail sshd'],
    ['flushlogs', 'rolled over', 'logs: rolled over'],
    ['echo a b', ['a', 'b'], 'a b'],
    ['get loglevel', 25, "Current logging level is 'NOTICE'"],
    ['get loglevel', 'INFO', "Current logging level is 'INFO'"],
    ['get dbfile', null, 'Database currently disabled'],
    ['get dbpurgeage', null, 'Database currently disabled'],
    ['get dbpurgeage', 86_400, 'Current database purge age is:\n`- 86400seconds'],
    ['get sshd logpath', [], 'No file is currently monitored'],
    ['set sshd addlogpath /b', ['/a', '/b'], 'Current monitored log file(s):\n|- /a\n`- /b'],
    ['get sshd failregex', [], 'No regular expression is defined'],
    ['get sshd failregex', ['^a$', '^b$'], 'The following regular expression are defined:\n|- [0]: ^a$\n`- [1]: ^b$'],
    ['get sshd journalmatch', [], 'No journal match filter set'],
    ['get sshd journalmatch', [['A=b', 'C=d'], ['E=f']], 'Current match filter:\nA=b C=d + E=f'],
    ['get sshd datepattern', null, 'Current date pattern set to: Not set/required'],
    ['get sshd datepattern', tuple(null, 'Default Detectors'), 'Current date pattern set to: Default Detectors'],
    ['get sshd datepattern', tuple('%Y', 'Year'), 'Current date pattern set to: %Y (Year)'],
    ['get sshd actions', [], 'No actions for jail sshd'],
    ['get sshd actionproperties mail', [], 'No properties for jail sshd action mail'],
    ['get sshd actionmethods mail', [], 'No methods for jail sshd action mail'],
    ['get sshd banip', ['192.0.2.1', '192.0.2.2'], '192.0.2.1 192.0.2.2'],
    ['get sshd banip |', ['192.0.2.1', '192.0.2.2'], '192.0.2.1|192.0.2.2'],
    ['get sshd banip --with-time', ['a', 'b'], 'a\nb'],
    ['set sshd banip 192.0.2.1', 1, '1'],
    ['banned', [{ sshd: ['192.0.2.1'] }], "[{'sshd': ['192.0.2.1']}]"],
    ['get sshd bantime.factor', new PyFloat(2), '2.0'],
    ['set sshd idle on', true, 'True'],
    ['sleep 1', null, 'None'],
  ]
  for (const [command, value, text] of answers)
    it(`${command}: ${JSON.stringify(text)}`, () => assert.equal(shown(command, value), text))

  it('is shown as Python shows it where it has not the form that the command promises', () => {
    assert.equal(shown('status sshd stats', ['polling', tuple(0, 2), tuple(1, 1)]), "['polling', (0, 2), (1, 1)]")
    assert.equal(shown('get sshd actions', 5), '5')
    assert.equal(shown('stats', 'none'), "'none'")
  })
})

describe('a status', () => {
  it('of the server and of a jail are trees with a tab behind each name', () => {
    const all = [tuple('Number of jail', 2), tuple('Jail list', 'a, b')]
    assert.equal(shown('status', all), 'Status\n|- Number of jail:\t2\n`- Jail list:\ta, b')
    assert.equal(
      shown('status sshd', jailStatus),
      [
        'Status for the jail: sshd',
        '|- Filter',
        '|  |- Currently failed:\t1',
        '|  |- Total failed:\t2',
        '|  `- File list:\t/a.log /b.log',
        '`- Actions',
        '   |- Currently banned:\t0',
        '   |- Total banned:\t3',
        '   `- Banned IP list:\t',
      ].join('\n'),
    )
  })

  it('of all jails is one tree', () => {
    const lines = shown('status --all', [
      tuple('Number of jail', 2),
      tuple('Jail list', 'a, b'),
      { a: jailStatus, b: jailStatus },
    ]).split('\n')
    assert.deepEqual(lines.slice(0, 7), [
      'Status',
      '|- Number of jail:\t2',
      '|- Jail list:\ta, b',
      '`- Status for the jails:',
      '   |- Jail: a',
      '   |  |- Filter',
      '   |  |  |- Currently failed:\t1',
    ])
    assert.deepEqual(lines.slice(13, 16), ['   `- Jail: b', '      |- Filter', '      |  |- Currently failed:\t1'])
  })
})

describe('the table of all jails', () => {
  it('has columns as wide as what is in them, and lines where the terminal can show them', () => {
    assert.equal(
      replyText(['stats'], figures, true),
      [
        '                    ║          ║ Filter    ║ Actions    ',
        ' Jail               ║ Backend  ╟───────────╫────────────',
        '                    ║          ║ cur │ tot ║ cur │  tot',
        '════════════════════╬══════════╬═══════════╬════════════',
        ' sshd               ║ polling  ║   0 │  12 ║   3 │ 1234',
        ' a-jail-with-a-name ║ systemd  ║   1 │   1 ║   0 │    0',
        '════════════════════╩══════════╩═══════════╩════════════',
      ].join('\n'),
    )
  })

  it('is plain where it cannot', () => {
    const [head, second, , rule] = replyText(['stats'], figures, false).split('\n')
    assert.equal(head, '                    |          | Filter    | Actions    ')
    assert.equal(second, ' Jail               | Backend  |-----------x------------')
    assert.equal(rule, '--------------------x----------x-----------x------------')
  })
})

describe('a refusal', () => {
  const refusals: [className: string, args: PyValue[], text: string, logged: string][] = [
    ['UnknownJailException', ['x'], "Sorry but the jail 'x' does not exist", "('x',)"],
    ['DuplicateJailException', ['x'], "The jail 'x' already exists", "('x',)"],
    ['IndexError', ['list index out of range'], 'Sorry but the command is invalid', "('list index out of range',)"],
    ['KeyError', ['Invalid Action name: x'], "'Invalid Action name: x'", "('Invalid Action name: x',)"],
    ['Exception', ['Invalid command'], 'Invalid command', "('Invalid command',)"],
    ['FileNotFoundError', [2, 'No such file', '/x'], "[Errno 2] No such file: '/x'", "(2, 'No such file')"],
    ['Exception', ['a', 1], "('a', 1)", "('a', 1)"],
    ['Exception', [], '', '()'],
  ]
  for (const [className, args, text, logged] of refusals)
    it(`${className}${logged} reads "${text}"`, () => {
      assert.equal(refusalText(className, args), text)
      assert.equal(refusalArgs(args), logged)
    })
})
