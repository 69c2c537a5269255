import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { tempDir } from '../../test/kit/temp-dir.js'
import { loadServerSettings } from './settings.js'

function read(lines: string) {
  const dir = tempDir()
  writeFileSync(path.join(dir, 'fail2ban.conf'), '[Definition]\n')
  writeFileSync(path.join(dir, 'tocsin.conf'), `[fleet]\n${lines}\n`)
  return loadServerSettings(dir)
}

const fleetOf = (lines: string) => read(lines).settings?.own.fleet ?? assert.fail(JSON.stringify(read(lines).problems))

describe('[fleet]', () => {
  it('limits members by their level and by their name, a line for each', () => {
    const { limits, member_limits } = fleetOf(
      'limits = own rate=120 bantime=1d\n partner bans=500, prefix4=/32 prefix6=64\n operator bantime=off\nmember_limits = constructor rate=6',
    )
    assert.deepEqual(limits, {
      own: { perMinute: 120, burst: 600, durationMsMax: 86_400_000 },
      partner: { populationMax: 500, prefix4Min: 32, prefix6Min: 64 },
      operator: { durationMsMax: Number.POSITIVE_INFINITY },
    })
    assert.deepEqual(member_limits, { constructor: { perMinute: 6, burst: 30 } })
  })

  it('has the whole path of the file that is shared', () => {
    assert.equal(fleetOf('transport = file\npath = /shared/newbans.log').path, '/shared/newbans.log')
    for (const [path, wrong] of [
      ['', 'none is named'],
      ['newbans.log', '"newbans.log" is not a whole one'],
    ])
      assert.deepEqual(
        read(`transport = file\npath = ${path}`).problems.map(({ message }) => message),
        [`[fleet] transport "file" needs a path, and ${wrong}`],
      )
  })

  it('has no limit, no canary and an audit of 8 MiB where nothing is said', () => {
    const { limits, member_limits, canaries, audit, audit_size } = fleetOf('')
    assert.deepEqual([limits, member_limits, canaries, audit, audit_size], [{}, {}, [], true, 8_388_608])
  })

  it('takes addresses and networks as canaries, and sizes of the audit', () => {
    const { canaries, audit, audit_size } = fleetOf(
      'canaries = 192.0.2.1 2001:db8::/64\n 198.51.100.0/24\naudit = no\naudit_size = 64k',
    )
    assert.deepEqual(
      canaries.map(({ value }) => value),
      ['192.0.2.1', '2001:db8::/64', '198.51.100.0/24'],
    )
    assert.deepEqual([audit, audit_size], [false, 65_536])
  })

  const wrong: Record<string, [line: number, message: RegExp, hint: RegExp]> = {
    'limits = own rate=6\n patner rate=6': [3, /limits begins with "patner", no level/, /did you mean "partner"\?/],
    'limits = everybody rate=6': [2, /"everybody", no level/, /operator, own, partner/],
    'limits = own\n': [2, /a line without a limit/, /rate=60/],
    'limits = own rat=6': [2, /has "rat=6", no limit/, /did you mean "rate="\?/],
    'limits = own 60': [2, /has "60", no limit/, /new bans a minute, as rate=60/],
    'limits = own rate=many': [2, /has "rate=many"/, /new bans a minute/],
    'limits = own rate=0': [2, /has "rate=0"/, /new bans a minute/],
    'limits = own prefix4=7': [2, /has "prefix4=7"/, /bits from 8 to 32/],
    'limits = own bantime=soon': [2, /has "bantime=soon"/, /a duration/],
    'member_limits = Web7 rate=6': [2, /begins with "Web7", no name of a member/, /as web7/],
    'canaries = 192.0.2.1\n mail.example.net': [3, /has "mail\.example\.net", no address/, /write 203/],
    'audit_size = 8': [2, /is no size from 64K/, /8M/],
    'canarys = 192.0.2.1': [2, /has no option "canarys"/, /did you mean "canaries"\?/],
  }
  for (const [lines, [line, message, hint]] of Object.entries(wrong)) {
    it(`says what is wrong with ${JSON.stringify(lines)}, and where`, () => {
      const [problem] = read(lines).problems
      assert.match(problem?.message ?? '', message)
      assert.match(problem?.hint ?? '', hint)
      assert.equal(problem?.origin?.line, line)
    })
  }
})
