// Compares fail2ban-regex with the one of an installed Fail2ban, on its filters and its sample logs, both read where the package has them. Differences that the
// versions explain are levelled here; docs/regex.md lists them.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runFail2banRegex } from '../src/cli/regex/regex-kit.js'

process.env.TZ = 'Europe/Zurich'

// Debian's own, which sees Debian's packages.
const python = '/usr/bin/python3'
const logs = '/usr/lib/python3/dist-packages/fail2ban/tests/files/logs'
const filters = '/etc/fail2ban/filter.d'
const skip = !existsSync(logs)
  ? `no sample logs in ${logs}`
  : spawnSync(python, ['-c', 'import fail2ban']).status !== 0
    ? "python3 with Fail2ban's package is not installed"
    : false

/** Runs many command lines in one process: (arguments, …) in, (what it printed, exit code), … out. Names are not looked up. */
const peerProgram = `
import contextlib, io, json, sys
sys.argv[0] = 'fail2ban-regex'
from fail2ban.client import fail2banregex as tool
from fail2ban.server.ipdns import DNSUtils
from fail2ban.server.mytime import MyTime
import fail2ban.server.ipdns, socket, logging
socket.getaddrinfo = lambda *a, **k: (_ for _ in ()).throw(socket.gaierror(-2, 'no names here'))
def run(args):
    out = io.StringIO(); err = io.StringIO(); code = 0
    tool.logSys.handlers = []
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try: tool.exec_command_line(args)
        except SystemExit as e: code = e.code or 0
        except Exception as e: code = repr(e)
    return [out.getvalue(), code]
json.dump([run(args) for args in json.load(sys.stdin)], sys.stdout)
`

interface Answer {
  text: string
  code: unknown
}

function askPeer(commands: readonly (readonly string[])[]): Answer[] {
  const child = spawnSync(python, ['-c', peerProgram], {
    input: JSON.stringify(commands),
    encoding: 'utf8',
    // Python names the encoding of a log as the locale does; ours is always UTF-8.
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
    maxBuffer: 1 << 28,
  })
  assert.equal(child.status, 0, child.stderr)
  const answers: [string, unknown][] = JSON.parse(child.stdout)
  return answers.map(([text, code]) => ({ text, code }))
}

async function askOurs(command: readonly string[]): Promise<Answer> {
  const { out, code } = await runFail2banRegex(...command)
  return { text: out, code }
}

/** What differs by version, by chance (order of a set, seconds), or on purpose. */
function levelled(text: string): string {
  return (
    text
      .replace(/^\[processed in .* sec\]$/gm, '[processed in some sec]')
      .replace(/^Use {3}failregex (?:filter )?file :/gm, 'Use      filter file :')
      // 1.1 knows more forms of this date, and of an IPv6 address.
      .replaceAll('(?:-|T|  ?)Ex24hour:?ExMinute:?ExSecond', '(?:T|  ?)Ex24hourExMinuteExSecond')
      .replaceAll('[0-9a-fA-F]{1,4}::?|::)', '[0-9a-fA-F]{1,4}::?|:)')
      .replaceAll('%3A%3A%3F%7C%3A%3A%29', '%3A%3A%3F%7C%3A%29')
      // The peer gives a template of the filter's own the weight of the default one of that name, so that the two change places (nsd).
      .replace(/(^\| {2}\[1\] .*\n)(\| {2}\[2\] \{\^LN-BEG\}Epoch\n)/m, '$2$1')
      .replace(/\{('(?:[^'\\]|\\.)*'(?:, '(?:[^'\\]|\\.)*')+)\}/g, (_, items: string) => {
        return `{${items.split(', ').toSorted().join(', ')}}`
      })
      .replace(/(?<=[\s|])(\d{10})(?:\.\d+)?(?=[,\s|])/g, (time) => (isNow(Number(time) * 1000) ? 'now' : time))
      .replace(/[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d [\d:]{8} \d{4}$/gm, (time) => (isNow(Date.parse(time)) ? 'now' : time))
      // Since 1.1 a group that took no part does not hide what the prefix found, and is not shown.
      .replace(/(?<=[{ ])'\w+': None(?:, |(?=\}))/g, '')
      .replace(/, \}/g, '}')
      .replace(/(?<=\t\{).*(?=\}\],$)/gm, (items) =>
        items
          .split(/, (?='\w+': )/)
          .toSorted()
          .join(', '),
      )
  )
}

const isNow = (timeMs: number): boolean => Math.abs(timeMs - Date.now()) < 120_000

const names = skip
  ? []
  : readdirSync(filters).flatMap((file) => (/common\.conf$/.test(file) ? [] : (/^(.+)\.conf$/.exec(file)?.[1] ?? [])))
const sampled = names.filter((name) => existsSync(path.join(logs, name)))

/** Options under which the annotations of a sample log want its lines to be read, the plain filter first. */
function variantsOf(name: string): string[] {
  const text = readFileSync(path.join(logs, name), 'utf8')
  const variants = new Set([`${filters}/${name}.conf`])
  for (const [, json] of text.matchAll(/^#+ ?filterOptions:(.+)$/gm)) {
    const given: unknown = JSON.parse(json ?? '')
    for (const options of Array.isArray(given) ? given : [given]) {
      const own = Object.entries(options as Record<string, string>).filter(([key]) => !key.startsWith('test.'))
      if (own.some(([key]) => key === 'logtype')) continue
      const list = own.map(([key, value]) => `${key}="${value}"`).join(', ')
      variants.add(`${filters}/${name}.conf${list === '' ? '' : `[${list}]`}`)
    }
  }
  return [...variants]
}

describe('fail2ban-regex and the installed one', { skip }, () => {
  const scratch = mkdtempSync(path.join(tmpdir(), 'tocsin-regex-'))
  after(() => rmSync(scratch, { recursive: true }))
  const file = (name: string, lines: readonly string[]): string => {
    const at = path.join(scratch, name)
    writeFileSync(at, `${lines.join('\n')}\n`)
    return at
  }

  const auth = skip
    ? ''
    : file('auth.log', [
        'Aug 14 09:59:58 box sshd[11]: Connection from 192.0.2.1 port 55',
        '# a comment',
        '',
        'Aug 14 09:59:59 box sshd[11]: Failed publickey for root from 192.0.2.1 port 55 ssh2',
        'Aug 14 10:00:00 box sshd[12]: Failed password for invalid user bob from 2001:db8::1 port 55 ssh2',
        'Aug 14 10:00:01 box sshd[13]: User \u00e4nne not allowed because account is locked',
        'Aug 14 10:00:02 box sshd[13]: Connection closed by 192.0.2.7 port 9 [preauth]',
        'Aug 14 10:00:03 box sshd[14]: what is this?  ',
        'a line without a date',
        'Aug 14 10:00:04 box sshd[15]: Failed password for root from 198.51.100.9 port 5 ssh2\r',
      ])
  const many = skip
    ? ''
    : file(
        'many.log',
        Array.from({ length: 60 }, (_, i) =>
          i % 2 === 0
            ? `2024-03-01 10:00:${String(i).padStart(2, '0')} gate: denied 192.0.2.${i}`
            : `2024-03-01 10:00:01 gate: hello ${i}`,
        ),
      )
  const tuples = [
    '^<F-TUPLE_X>.*?</F-TUPLE_X> from <HOST>?',
    '^<F-TUPLE_X>.*?</F-TUPLE_X> from .* <HOST>$',
    '^<F-X>.*?</F-X> from <F-TUPLE_X>\\S+</F-TUPLE_X> .* <HOST>$',
    '^<F-X>\\S+</F-X> <F-TUPLE_X_1>\\S+</F-TUPLE_X_1> from <F-TUPLE_X_2>\\S+</F-TUPLE_X_2> .* <HOST>$',
    "^.* to '<F-X></F-X><F-TUPLE_X></F-TUPLE_X>' <HOST>$",
    '^(?:nobody <F-X>.</F-X>|<F-TUPLE_X>.*?</F-TUPLE_X>) from .* <HOST>$',
    '^<F-X>.*?</F-X> from (?:nobody <F-TUPLE_X>.</F-TUPLE_X>|.* )<HOST>$',
    '^<F-ALT_X>\\S+</F-ALT_X> <F-TUPLE_X>\\S+</F-TUPLE_X> from .* <HOST>$',
    '^<F-X>.*?</F-X> from <F-TUPLE_USER>\\S+</F-TUPLE_USER> to <F-TUPLE_USER_10>\\S+</F-TUPLE_USER_10><F-TUPLE_USER_2> </F-TUPLE_USER_2><HOST>$',
    '^<F-ID>.*?</F-ID> from <F-TUPLE_ID>\\S+</F-TUPLE_ID> to',
    '^<F-TUPLE_ID>.*?</F-TUPLE_ID> from',
    '^<F-TUPLE_X>.*?</F-TUPLE_X> from .* <F-MLFID>\\S+</F-MLFID>$',
  ]
  const two = 'opened by 192.0.2.8\nnoise\nclosed badly'
  const plain = [
    ['-v', auth, `${filters}/sshd.conf`],
    ['-vv', auth, 'sshd.conf[mode=aggressive]'],
    ['-v', '--print-all-matched', '--print-all-missed', '--print-all-ignored', auth, 'sshd.conf[mode=aggressive]'],
    ['--print-no-missed', '--print-no-ignored', auth, 'sshd.conf'],
    ['--no-check-all', auth, 'sshd.conf'],
    ['--VD', auth, 'sshd.conf'],
    ['-D', auth, '<HOST> port', 'Failed'],
    [many, 'denied <HOST>'],
    ['--print-all-missed', '-v', many, 'denied <HOST>', '0 gate'],
    ['-o', 'ip', many, 'denied <HOST>', '1[02]$'],
    ['-L', '3', two, '^opened by <HOST>\\n.*\\nclosed badly'],
    ['-v', '-L', '3', '--print-all-matched', two, '^opened by <HOST><SKIPLINES>closed badly'],
    ['-o', 'msg', '-L', '3', two, '^opened by <HOST><SKIPLINES>closed badly'],
    ['-o', '<ip> <msg>', '-L', '3', two, '^opened by <HOST><SKIPLINES>closed badly'],
    ['-o', 'matches', '-L', '3', two, '^opened by <HOST><SKIPLINES>closed badly'],
    ['-o', 'row', auth, 'sshd.conf[mode=aggressive]'],
    ['-o', 'user', auth, 'sshd.conf'],
    [
      '-o',
      '<fid>|<family>|<ip-rev>|<matches>|<F-*>|<failures>|<F-NONE>|<none><br><sp>|<raw-ticket>',
      auth,
      'sshd.conf',
    ],
    ['-o', 'row', '--TZ', 'UTC+0300', auth, '<HOST> port'],
    ['-o', 'row', '-d', '{NONE}', '--usedns', 'no', 'from 192.0.2.0/24 or so', 'from <SUBNET>$'],
    ['-o', 'row', '-d', '^EPOCH', '1234567890.1234 from 192.0.2.0/24', 'from <SUBNET>$'],
    ['-o', 'row', '-r', 'from host.example.org', 'from <HOST>'],
    ['-o', 'row', 'user=me (1) from host.example.org', 'user=<F-ID>\\S+</F-ID> \\(<F-TUPLE_X>\\d</F-TUPLE_X>\\)'],
    ...tuples.map((pattern) => ['-o', 'row', "(a, b) from 'x' to '' 192.0.2.1", pattern]),
    [
      '-o',
      '<ip> <fid> <F-ID> <F-X>',
      '7 of 12',
      '<F-ID>\\d+</F-ID> of <F-TUPLE_ID>\\d+</F-TUPLE_ID><F-TUPLE_X></F-TUPLE_X>',
    ],
    ['-o', 'row', 'it\'s "q" \\ \u200b\u00e4 192.0.2.1', '<F-TEXT>.*</F-TEXT> <HOST>'],
    ['-d', '%Y', 'a', '<HOST>'],
    ['--TZ', 'nowhere', 'a', '<HOST>'],
    [auth, 'no group'],
    [auth, 'open (<HOST>'],
    ['a', '<HOST>', 'open ('],
    ['a', '<HOST>', ''],
    ['a', 'sshd.conf[mode=aggressive, no'],
    ['-e', 'latin1', auth, '<HOST> port'],
    ['x'.repeat(80), 'y'.repeat(80)],
    ['--usedns', 'no', '1\n2\n3\n4\n5\n6\n7', '<HOST>'],
  ]
  const corpus = sampled.flatMap((name) => {
    const log = path.join(logs, name)
    return [
      ...variantsOf(name).map((filter) => ['-o', 'row', '--usedns', 'no', log, filter]),
      [
        '-v',
        '--usedns',
        'no',
        '--print-all-matched',
        '--print-all-missed',
        '--print-all-ignored',
        log,
        `${filters}/${name}.conf`,
      ],
      ['-o', 'id', '--usedns', 'raw', log, `${filters}/${name}.conf`],
      ['-o', '<ip> <F-USER> <time> <msg>', '--usedns', 'no', log, `${filters}/${name}.conf`],
    ]
  })
  const others = names
    .filter((name) => !sampled.includes(name))
    .map((name) => ['-v', '--usedns', 'no', auth, `${filters}/${name}.conf`])
  const all = [...plain, ...corpus, ...others]
  let theirs: Answer[] = []
  before(() => {
    theirs = askPeer(all)
  })

  async function compare(commands: readonly (readonly string[])[]): Promise<void> {
    for (const command of commands) {
      const their = theirs[all.indexOf(command as string[])]
      const our = await askOurs(command)
      assert.equal(levelled(our.text), levelled(their?.text ?? ''), command.join(' '))
      assert.equal(our.code, their?.code, command.join(' '))
    }
  }

  for (const command of plain) {
    it(`print the same for ${JSON.stringify(command.map((word) => path.basename(word)))}`, () => compare([command]))
  }
  it('print the same with filters that have no sample log', () => compare(others))
  for (const name of sampled) {
    it(`find the same with ${name} in its sample log`, () =>
      compare(corpus.filter((command) => command.at(-1)?.startsWith(`${filters}/${name}.conf`))))
  }
})
