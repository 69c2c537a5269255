import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { syslogDate } from './line-date.js'
import { LineReader, type ReadLine } from './line-reader.js'

const nowMs = new Date(2026, 10, 21, 12, 0, 0).getTime()
const read = (line: string): ReadLine => new LineReader().read(line, nowMs)

describe('a plain line', () => {
  it('is read in every form that logger and echo write', () => {
    const minuteMs = 60_000
    for (const [line, ip, port, tag, timeMs] of [
      ['HOST 203.0.113.9 PORT 22', '203.0.113.9', '22', undefined, undefined],
      ['root[81]: HOST 203.0.113.9 PORT 22', '203.0.113.9', '22', 'root', undefined],
      ['Nov 21 11:59:00 root[81]: HOST 203.0.113.9 PORT 22', '203.0.113.9', '22', 'root', nowMs - minuteMs],
      ['<13>Nov 21 11:59:00 root[81]: HOST 203.0.113.9 PORT ssh', '203.0.113.9', 'ssh', 'root', nowMs - minuteMs],
      [
        '<13>Nov 21 11:59:00 web1 root[81]: HOST 2001:DB8::1 PORT 80,443',
        '2001:db8::1',
        '80,443',
        'root',
        nowMs - minuteMs,
      ],
      [
        'Nov  1 11:59:00 root: HOST ::ffff:203.0.113.9 PORT 0:65535',
        '203.0.113.9',
        '0:65535',
        'root',
        new Date(2026, 10, 1, 11, 59).getTime(),
      ],
      [
        '<13>1 2026-11-21T02:01:35.899493+00:00 web1 root 81 - [timeQuality tzKnown="1" isSynced="0"] HOST 203.0.113.9 PORT 22',
        '203.0.113.9',
        '22',
        'root',
        Date.UTC(2026, 10, 21, 2, 1, 35, 899),
      ],
      [
        '2026-11-21 02:01:35+00:00 ban: HOST 203.0.113.9 PORT 22 ',
        '203.0.113.9',
        '22',
        'ban',
        Date.UTC(2026, 10, 21, 2, 1, 35),
      ],
      ['HOST 203.0.113.9 PORT 22\r', '203.0.113.9', '22', undefined, undefined],
    ] as const) {
      const plain = read(line)
      assert.ok(plain.kind === 'plain', `${line}: ${plain.kind}`)
      assert.deepEqual([plain.ip.text, plain.port, plain.tag, plain.timeMs], [ip, port, tag, timeMs], line)
    }
  })

  it('has a date of the last year rather than one far ahead', () => {
    const january = new LineReader().read(
      'Dec 31 23:59:59 root: HOST 203.0.113.9 PORT 22',
      new Date(2027, 0, 1).getTime(),
    )
    assert.ok(january.kind === 'plain')
    assert.equal(january.timeMs, new Date(2026, 11, 31, 23, 59, 59).getTime())
  })

  it('is none when anything about it is not as it should be', () => {
    for (const line of [
      'HOST 203.0.113.1',
      'HOST 203.0.113.1 ',
      'HOST 203.0.113.1 PORT',
      'HOST 203.0.113.1 PORT ',
      'HOST  203.0.113.1 PORT 22',
      'HOST 203.0.113.1 PORT 22 and more',
      'HOST 203.0.113.1\tPORT 22',
      'HOST 203.0.113.1\0 PORT 22',
      'HOST 203.0.113.0/24 PORT 22',
      'HOST 0.0.0.0/0 PORT 22',
      'HOST ::/0 PORT 22',
      'HOST 203.0.113.01 PORT 22',
      'HOST 203.0.113 PORT 22',
      'HOST 999.0.113.1 PORT 22',
      'HOST [2001:db8::1] PORT 22',
      'HOST fe80::1%eth0 PORT 22',
      'HOST host.example PORT 22',
      'xHOST 203.0.113.1 PORT 22',
      'root[6]:HOST 203.0.113.1 PORT 22',
      'sshd[6]: Invalid user HOST 203.0.113.1 PORT 22',
      "ssh -l 'HOST 203.0.113.1 PORT 22",
      'Nov 21 11:59:00 root[6]: HOST <13>Nov 21 11:59:00 root[7]: HOST 203.0.113.91 PORT 22',
      'Nov 21 11:59:00 root[6]: HOST 203.0.113.1Nov 21 11:59:00 root[7]: HOST 203.0.113.91 PORT 22',
      'HOST 203.0.113.1 PORT 22HOST 203.0.113.2 PORT 22',
      '7 PORT 22',
      ' PORT 22',
      `${'x'.repeat(1 << 20)} HOST 203.0.113.1 PORT 22`,
      `HOST 203.0.113.1 PORT ${'2'.repeat(1 << 20)}`,
      'caf\u00e9[6]: HOST 203.0.113.1 PORT 22',
      'Nov 21 11:59:00 tocsin.web1.forged[6]: HOST 203.0.113.1 PORT 22',
    ])
      assert.equal(read(line).kind, 'damaged', line.slice(0, 100))
  })

  it('is not looked for in what programs complain of, or in remarks', () => {
    for (const line of ['logger: socket /dev/log: No such file or directory', '# HOSTS', '', 'sshfs: connection reset'])
      assert.equal(read(line).kind, 'other', line)
  })

  it('is not believed while the end of a torn one may still come', () => {
    const reader = new LineReader()
    const kinds = [
      'Nov 21 11:59:00 root[6]: HOST 198.51.100.5Nov 21 11:59:00 root[7]: HOST 192.0.2.66 PORT 22',
      // A begin with the end of another line, which alone looks whole; its own end comes after it.
      'Nov 21 11:59:00 root[8]: HOST 203.0.113.1 PORT 22',
      '7 PORT 22',
    ].map((line) => reader.read(line, nowMs).kind)
    assert.deepEqual(kinds, ['damaged', 'doubtful', 'damaged'])
    for (let i = 0; i < 16; i++) reader.read('logger: something', nowMs)
    assert.equal(reader.read('HOST 203.0.113.9 PORT 22', nowMs).kind, 'plain')
  })

  it('never yields an address that nobody has written, however the lines are torn', () => {
    const lines = fc.array(fc.record({ ip: address, cut: fc.array(cut, { maxLength: 2 }) }), {
      minLength: 1,
      maxLength: 8,
    })
    fc.assert(
      fc.property(lines, fc.infiniteStream(fc.nat()), (written, choices) => {
        const text = interleaved(
          written.map(({ ip, cut }) => pieces(ip, cut)),
          choices,
        )
        const addresses = new Set(written.map(({ ip }) => ip))
        const reader = new LineReader()
        for (const line of text.split('\n')) {
          const found = reader.read(line, nowMs)
          if (found.kind === 'plain') assert.ok(addresses.has(found.ip.text), `${found.ip.text} in\n${text}`)
        }
      }),
      { numRuns: 20_000 },
    )
  })
})

const address = fc.tuple(fc.nat(255), fc.nat(255)).map(([c, d]) => `203.0.${c}.${d}`)

/** From the end of the line: where the address is, nearly always. */
const cut = fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 8, max: 14 }) }, fc.nat(60))

/** A line as its writes come to the disk. */
function pieces(ip: string, cuts: readonly number[]): string[] {
  const line = `${syslogDate(nowMs)} root[7]: HOST ${ip} PORT 22\n`
  const at = [0, ...cuts.map((cut) => line.length - (cut % line.length)).sort((a, b) => a - b), line.length]
  return at.slice(1).map((end, i) => line.slice(at[i], end))
}

/** Every writer's pieces in their order, those of several among one another. */
function interleaved(writers: readonly string[][], choices: Iterator<number>): string {
  const left = writers.map((all) => [...all])
  let text = ''
  for (;;) {
    const open = left.filter((all) => all.length > 0)
    if (open.length === 0) return text
    const { value = 0 } = choices.next()
    text += open[value % open.length]?.shift() ?? ''
  }
}
