import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { readArguments } from './arguments.js'
import { readLog } from './log-lines.js'
import { runRegex as face, partsOf, runFail2banRegex as run } from './regex-kit.js'

const scratch = mkdtempSync(path.join(tmpdir(), 'tocsin-regex-'))
after(() => rmSync(scratch, { recursive: true }))

function file(name: string, text: string | Buffer): string {
  const at = path.join(scratch, name)
  writeFileSync(at, text)
  return at
}

const config = path.resolve(import.meta.dirname, '../../../config')

describe('fail2ban-regex', () => {
  it('takes options anywhere, clustered and shortened, as Python does', () => {
    const read = readArguments(['a', '-vvorow', '--print-all-mi', '--max=3', 'b', '--', '-x'])
    assert.ok(read.kind === 'run')
    const { verbosity, out, printAllMissed, maxlines } = read.options
    assert.deepEqual([verbosity, out, printAllMissed, maxlines, read.words], [2, 'row', true, 3, ['a', 'b', '-x']])
    const wrong: [string[], string][] = [
      [['--nope'], 'no such option: --nope'],
      [
        ['--print-all'],
        'ambiguous option: --print-all (--print-all-ignored, --print-all-matched, --print-all-missed?)',
      ],
      [['-o'], '-o/--out option requires 1 argument'],
      [['-L', 'x'], "option -L: invalid integer value: 'x'"],
      [['--raw=1'], '--raw option does not take a value'],
    ]
    for (const [argv, text] of wrong) assert.deepEqual(readArguments(argv), { kind: 'wrong', text })
  })

  it('ends with 2 for unknown words, 255 for contradictions and errors, 0 when nothing matched', async () => {
    assert.equal((await run('--nope')).code, 2)
    assert.match((await run('--print-no-missed', '--print-all-missed', 'a', 'b')).err, /mutually exclusive/)
    assert.match((await run('a')).err, /ERROR: provide both <LOG> and <REGEX>\./)
    assert.equal((await run('a')).code, 255)
    assert.match((await run('a', 'x(<HOST>')).out, /^ERROR: Unable to compile regular expression 'x\(/m)
    assert.equal((await run('a', '<HOST>', '-c', scratch, '--usedns=no')).code, 0)
    assert.equal((await run('--version')).out, 'fail2ban-regex 1.1.1\n')
    assert.equal((await run('-V')).out, '1.1.1\n')
  })

  it('takes what is too long for a path, or has a NUL in it, for a line', async () => {
    for (const line of [`${'a '.repeat(5000)}from 192.0.2.1`, 'a\0 from 192.0.2.1'])
      assert.equal((await run('-o', 'ip', line, 'from <HOST>$')).out, '192.0.2.1\n')
  })

  it('takes a name for that of a jail first, and options for those of its filter', async () => {
    const line = 'Aug 14 10:00:00 h sshd[2]: Connection closed by 192.0.2.1 port 5 [preauth]'
    const jail = await run('-c', config, line, 'sshd[mode=aggressive]')
    assert.match(jail.out, /^Use {13}jail : sshd\nUse jail\/flt options : \{'mode': 'aggressive'\}$/m)
    const filter = await run('-c', config, line, 'sshd.conf')
    assert.match(filter.out, /^Use {6}filter file : sshd, basedir: .*config$/m)
  })

  it('prints a row as Python writes it: groups without a part are None, texts quoted', async () => {
    const { out } = await run('-o', 'row', `say "it's" 192.0.2.1`, 'say <F-WORDS>\\S+</F-WORDS>(?P<more> more)? <HOST>')
    const data = `{'words': '"it\\'s"', 'more': None, 'ip4': '192.0.2.1', 'ip6': None, 'dns': None}`
    assert.equal(out, `['192.0.2.1',\tNone,\t${data}],\n`)
  })

  it('reads a log in pieces, whatever their borders, and leaves out a line that has no end yet', () => {
    const text = Array.from({ length: 30_000 }, (_, i) => `line ${i} ${'ä'.repeat(i % 97)}`).join('\n')
    const at = file('long.log', text)
    const read = (skipsOpenEnd: boolean) =>
      [...readLog(at, { encoding: 'utf-8', skipsOpenEnd }).pieces].map(({ text }) => text)
    assert.equal(read(false).join(''), text)
    assert.ok(read(false).length > 1)
    assert.equal(read(true).join(''), text.slice(0, text.lastIndexOf('\n') + 1))
  })

  it('passes over a line of more than 16 MiB and goes on behind it', () => {
    const at = file('huge.log', `a\n${'b'.repeat(17 << 20)}\nc\n`)
    const log = readLog(at, { encoding: 'utf-8', skipsOpenEnd: true })
    assert.equal([...log.pieces].map(({ text }) => text).join(''), 'a\nc\n')
    assert.equal(log.linesTooLong, 1)
  })
})

describe('a pattern that never ends', () => {
  const bad = `${'a'.repeat(50)} from 192.0.2.2`
  const lines = ['x from 192.0.2.1', `${bad}\u001b[2J`, 'y from 192.0.2.3', bad]
  const log = file('endless.log', lines.map((line) => `Jun 15 12:00:00 ${line}\n`).join(''))
  const filter = file('endless.conf', '[Definition]\nfailregex = ^ (a+)+$<HOST>\n  ^ \\w+ from <HOST>\n')

  it('is stopped, named with its line, and out of use for the rest', async () => {
    const { out, err, code } = await run('--print-all-matched', log, filter)
    assert.equal(code, 0)
    assert.match(err, /^fail2ban-regex: failregex 1 \(\S+endless\.conf:2\) was stopped after 1000 ms on one line/)
    assert.match(err, /The line was: Jun 15 12:00:00 a{50} from 192\.0\.2\.2\\u001b\[2J\n$/)
    assert.match(out, /^\| {3}2\) \[4\] \^ \\w\+ from <HOST>$/m)
    assert.match(out, /^\| {2}\[4\] /m)
    assert.match(out, /^Lines: 4 lines, 0 ignored, 4 matched, 0 missed$/m)
  })

  it('is shown as stopped by tocsin regex', async () => {
    const { patterns, remarks, counts } = JSON.parse(await face([log, filter], { json: true }))
    assert.deepEqual(
      patterns.map(({ isStopped, hits }: { isStopped: boolean; hits: number }) => [isStopped, hits]),
      [
        [true, 0],
        [false, 4],
      ],
    )
    assert.match(remarks.join(), /^failregex 1 \(\S+endless\.conf:2\) was stopped/)
    assert.equal(counts.matched, 4)
  })
})

describe('tocsin regex', () => {
  it('tells the pattern, the address and the user, and lets no control character through', async () => {
    const line =
      'Aug 14 10:00:00 h sshd[2]: Failed password for invalid user b\u009b2J\x1b[2Job from 192.0.2.9 port 5 ssh2'
    const out = await face([line, 'sshd'], { config })
    assert.match(out, /matched failregex \d+: 192\.0\.2\.9 user b\\u009b2J\\u001b\[2Job at /)
    assert.doesNotMatch(out, /[\x9b]|\x1b\[2J/)
    const json = await face([line, 'sshd'], { config, json: true })
    assert.doesNotMatch(json, /[\x9b\x1b]/)
    assert.equal(JSON.parse(json).lines[0].line, line)
  })

  it('tells where in the line the parts are, behind a date that was cut out', async () => {
    const line = 'gate 2024-03-01 10:00:00 shut for bob at 192.0.2.9'
    const told = JSON.parse(
      await face([line, 'shut for <F-USER>\\w+</F-USER> at <ADDR>'], {
        config,
        json: true,
        datepattern: '%Y-%m-%d %H:%M:%S',
      }),
    )
    assert.deepEqual(partsOf(told.lines[0]), [
      ['date', '2024-03-01 10:00:00'],
      ['user', 'bob'],
      ['ip4', '192.0.2.9'],
    ])
  })

  it('says that a file or a filter is not there, instead of taking its name for a line or a pattern', async () => {
    for (const [words, text] of [
      [[path.join(scratch, 'nowhere.log'), 'sshd'], /^There is no file .*nowhere\.log$/],
      [['auth.log', 'sshd'], /^There is no file auth\.log$/],
      [[scratch, 'sshd'], /is a directory/],
      [['x', 'sshdd[mode=x]'], /^There is no jail or filter "sshdd" in .*did you mean "sshd"\?$/],
    ] as const)
      await assert.rejects(face([...words], { config }), { message: text })
    assert.match(await face(['GET /x/y HTTP/1.1 from 192.0.2.1', 'from <HOST>']), /1 matched/)
  })

  it('shows who is forgiven, and counts such a line for no failure, nor does fail2ban-regex', async () => {
    const dir = path.join(scratch, 'forgiving')
    mkdirSync(path.join(dir, 'filter.d'), { recursive: true })
    writeFileSync(
      path.join(dir, 'filter.d', 'door.conf'),
      '[Definition]\nfailregex = ^\\S+ <F-USER>\\w+</F-USER> from <HOST>$\n',
    )
    writeFileSync(
      path.join(dir, 'jail.conf'),
      '[door]\nfilter = door\nsuccessregex = ^let in <F-USER>\\w+</F-USER> from <HOST>$\n  ^in <F-USER>\\w+</F-USER> from <HOST>$\n',
    )
    const lines = 'no bob from 192.0.2.1\nin bob from 192.0.2.1'
    const { counts, lines: shown, patterns } = JSON.parse(await face([lines, 'door'], { config: dir, json: true }))
    assert.deepEqual(counts, { matched: 1, ignored: 0, missed: 0, forgiven: 1 })
    assert.deepEqual(shown[1].forgiven, [{ pattern: 2, id: '192.0.2.1', user: 'bob' }])
    assert.deepEqual(
      patterns.map(({ kind, hits }: { kind: string; hits: number }) => [kind, hits]),
      [
        ['failregex', 1],
        ['successregex', 0],
        ['successregex', 1],
      ],
    )
    assert.match(await face([lines, 'door'], { config: dir }), /^ {2}forgives successregex 2: 192\.0\.2\.1 user bob$/m)
    assert.match((await run('-c', dir, lines, 'door')).out, /^Lines: 2 lines, 1 ignored, 1 matched, 0 missed$/m)
  })

  it('counts how often each pattern ran and hit', async () => {
    const at = file('three.log', 'in 192.0.2.1\nout 192.0.2.1\nin 192.0.2.2 forget')
    const told = JSON.parse(await face([at, 'in <HOST>', 'forget'], { config, json: true }))
    assert.deepEqual(told.counts, { matched: 1, ignored: 1, missed: 1, forgiven: 0 })
    const kept = told.patterns.map(({ kind, hits, runs }: { kind: string; hits: number; runs: number }) => [
      kind,
      hits,
      runs,
    ])
    assert.deepEqual(kept, [
      ['failregex', 1, 3],
      ['ignoreregex', 1, 2],
    ])
  })
})
