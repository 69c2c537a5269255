import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { isAscii } from '../dialect/pattern.js'
import { PatternError } from '../dialect/syntax.js'
import { forgetLocalZone } from './convert.js'
import { templatesOf } from './datepattern.js'
import { DateDetector } from './detector.js'
import type { DateTemplate } from './template.js'
import { zoneMinutes } from './zones.js'

const python = '/usr/bin/python3'
const skip =
  spawnSync(python, ['-c', 'import fail2ban']).status === 0 ? false : 'no Fail2ban package is installed to compare with'

/** What a date search gave: the rest of the line, the date in seconds (null: none), and the template; or that it cannot be compiled. */
type Outcome = { rest: string; seconds: number | null | 'broken'; template: string } | 'none' | 'bad'

interface Given {
  patterns: readonly string[]
  lines: readonly string[]
  now: number
  zone?: string
}

const oracle = `
import json, sys, os, time
os.environ['TZ'] = 'Europe/Zurich'; time.tzset()
from fail2ban.server.mytime import MyTime
from fail2ban.server.datedetector import DateDetector
def outcomes(given):
    MyTime.setTime(given['now'])
    try:
        detector = DateDetector()
        for pattern in given['patterns']: detector.appendTemplate(pattern)
        if given.get('zone'): detector.default_tz = given['zone']
        if not given['patterns']: detector.addDefaultTemplate()
        for each in detector.templates: each.template._compileRegex()
    except Exception as error:
        return ['bad'] * len(given['lines'])
    found = []
    for line in given['lines']:
        match = detector.matchTime(line)
        if not match[0]:
            found.append('none'); continue
        start, end = match[0].start(1), match[0].end(1)
        try:
            date = detector.getTime(line[start:end], match) if start < end else None
            seconds = date[0] if date else None
        except Exception:
            seconds = 'broken'
        found.append(dict(rest=line[:start] + '|' + line[end:], seconds=seconds, template=match[1].name))
    return found
print(json.dumps([outcomes(given) for given in json.load(sys.stdin)]))
`

function peer(all: readonly Given[]): Outcome[][] {
  const child = spawnSync(python, ['-c', oracle], { input: JSON.stringify(all), encoding: 'utf8', maxBuffer: 1 << 26 })
  assert.equal(child.status, 0, child.stderr)
  return JSON.parse(child.stdout)
}

/** Template 14 of today's Fail2ban also takes a dash and colons; the installed one is older. */
const older = (name: string): string => name.replace('(?:-|T|  ?)Ex24hour:?ExMinute:?', '(?:T|  ?)Ex24hourExMinute')

function ours({ patterns, lines, now, zone }: Given): Outcome[] {
  const key = JSON.stringify(patterns)
  if (!compiled.has(key)) compiled.set(key, templatesIn(patterns))
  const templates = compiled.get(key)
  if (templates === undefined) return lines.map(() => 'bad')
  const detector = new DateDetector(templates)
  const zoneDefault = zone === undefined ? undefined : Number(zoneMinutes(zone))
  return lines.map((line) => {
    const found = detector.find(line, isAscii(line), now * 1000)
    if (found === undefined) return 'none'
    const rest = `${line.slice(0, found.cutStart)}|${line.slice(found.cutEnd)}`
    const conversion =
      found.cutStart === found.cutEnd ? 'invalid' : found.template.convert(found, now * 1000, zoneDefault)
    const seconds = conversion === 'invalid' ? null : conversion === 'broken' ? 'broken' : conversion.timeMs / 1000
    return { rest, seconds, template: older(found.template.name) }
  })
}

const compiled = new Map<string, DateTemplate[] | undefined>()

function templatesIn(patterns: readonly string[]) {
  const known = new Set<string>()
  try {
    const year = new Date().getFullYear()
    return (patterns.length === 0 ? ['{DEFAULT}'] : patterns).flatMap((pattern) => {
      const templates = templatesOf(pattern, known, year)
      for (const { name } of templates) known.add(name)
      return templates
    })
  } catch (error) {
    if (error instanceof PatternError) return undefined
    throw error
  }
}

/** 14 August 2005, noon, in Zurich; and 2 January 2024, 00:30. */
const summer = 1124013600
const newYear = 1704151800

const dates = [
  '2005-01-23T21:59:59.981746',
  '2005-01-23 21:59:59',
  '2005/01/23 21:59:59,123 +0100',
  '2006.12.21 06:43:20',
  '2005-01-23T21:59:59Z',
  '2005-01-23T21:59:59 UTC',
  '2005-01-23T21:59:59+02:00',
  '2005-1-3 1:9:9',
  'Jan 23 21:59:59',
  'Aug 15 11:00:00',
  'Aug 15 13:00:00',
  'Dec 31 23:59:59',
  'Jan  3  1:02:03',
  'sun jan 23 21:59:59.011 2005',
  'Sun Jan 23 2005 21:59:59.011',
  '23/01/2005 21:59:59',
  '23/01/05 21:59:59',
  '17-07-2008 17:23:25',
  '31/Oct/2006:09:22:55 -0000',
  '26-Jul-2007 15:20:52.252',
  '26-Jul-2007 15:20:52 +0200',
  '05/20/2008:01:57:39',
  '01-27-2012 16:22:44.252',
  '1106513999',
  '1106513999.000',
  '[1106513999.123] x',
  'audit(1106513999.000:987): x',
  '21:59:59',
  '11:59:59',
  '12:00:01',
  '<09/16/08@05:03:30>',
  '130322 11:46:11',
  '130322  1:46:11',
  'Jan 23, 2005 9:59:59 PM',
  'Jan 23, 2005 12:59:59 AM',
  'Apr-27-13 02:33:06',
  '20050123T215959',
  '20050123 215959',
  'PDT Apr 16 21:05:29',
  'XYZ Apr 16 21:05:29',
  '+00:00 Jan 23 21:59:59.011 2005',
  '@4000000042ff0e4f12345678',
  'Feb 30 10:00:00',
  'Feb 29 10:00:00',
  '2005-02-29 10:00:00',
  '2005-03-27 02:30:00',
  '2005-07-01 02:30:00',
  'no date at all',
  '',
  '1998-01-23 21:59:59',
  '2035-01-23 21:59:59',
  '2005-01-23 25:00:00',
  '2005-01-23 23:59:60',
]
const around = (date: string): string[] => [
  date,
  `[${date}] text`,
  `${date} host daemon[1]: text 2004-11-11 11:11:11`,
  `some text ${date} more`,
  `x${date}x`,
]

const patterns: readonly (readonly string[])[] = [
  ['{^LN-BEG}'],
  ['{DEFAULT}'],
  ['^[^\\[]*\\[({DATE})', '{^LN-BEG}'],
  ['^{DATE}'],
  ['^[^\\[]*(\\[{DATE}\\s*\\])'],
  ['^<W>{DATE}'],
  ['{NONE}'],
  ['EPOCH'],
  ['LEPOCH'],
  ['^LEPOCH'],
  ['{^LN-BEG}TAI64N', '{^LN-BEG}'],
  ['^Epoch'],
  ['{UNB}%Y-%m-%d %H:%M:%S'],
  ['**%Y-%m-%d %H:%M:%S**'],
  ['%Y-%m-%d %H:%M:%S$'],
  ['\\[%Y-%m-%d %H:%M:%S\\]'],
  ['^text ()**', '{^LN-BEG}'],
  ['%d.%m.%Y', '%H:%M'],
  ['%j %Y', '%U %w %Y', '%W %a %Y'],
  ['%d %B %Y %I:%M %p', '%A %d %b'],
  ['%m'],
  ['%Exz %Y-%m-%d', '%ExZ %H:%M'],
  ['%Q'],
  ['%Y-%m-%d %Y'],
  ['(?i)%b %d'],
  ['%Y-%m-%d', '%Y-%m-%d'],
  ['%c'],
  ['%%%Y'],
  ['(?P<Y>\\d{4})x(?P<m>\\d\\d)x(?P<d>\\d\\d)'],
]
const others = [
  '[2005-08-14 09:22:55] y',
  'x [2005-08-14 09:22:55] y',
  'x 2005-08-14 09:22:55',
  '12005-08-14 09:22:551',
  '<W>2011-07-05 12:00:00 x',
  '1106513999123',
  '1106513999123456 x',
  '1106513999123.45',
  '11065139991',
  '14.08.2005 12:13',
  '200 2005',
  '33 2 2005',
  '10 Mon 2005',
  '01 2005',
  '53 0 2005',
  '7 August 2005 01:02 pm',
  'Sunday 14 aug',
  'Thu Jan 01 00:00:00 2015',
  'CET+0100 2005-08-14',
  'EST 11:12',
  '%2005',
  '2005x08x14',
  '08',
  'text 2005-08-14 09:22:55',
  '@4000000042ff0e4f12345678 x',
]

describe('date patterns', () => {
  process.env.TZ = 'Europe/Zurich'
  forgetLocalZone()

  it('find and convert dates as Fail2ban does', { skip }, () => {
    const all: Given[] = [
      ...dates.flatMap((date) => around(date).map((line): Given => ({ patterns: [], lines: [line], now: summer }))),
      ...dates.map((date): Given => ({ patterns: ['{^LN-BEG}'], lines: around(date), now: newYear })),
      ...patterns.flatMap((each) =>
        [...others, ...dates].filter(Boolean).map((line): Given => ({ patterns: each, lines: [line], now: summer })),
      ),
      ...['UTC', '+0200', 'UTC+02:00', 'EST'].map(
        (zone): Given => ({ patterns: [], lines: dates.slice(0, 14), now: summer, zone }),
      ),
      // One stream whose form of date changes.
      {
        patterns: [],
        lines: dates.flatMap((date) => [`${date} a`, `${date} b`]).filter((line) => !/20050123/.test(line)),
        now: summer,
      },
      {
        patterns: [],
        lines: [...'abcdef'].flatMap((letter) => [
          `${letter} 31/Oct/2006:09:22:55 x`,
          'Jan 23 21:59:59 31/Oct/2006:09:22:55 y',
        ]),
        now: summer,
      },
    ]
    const wrong = peer(all).flatMap((expected, i) => {
      const given = all[i]
      const found = given === undefined ? [] : ours(given)
      return expected.flatMap((each, n) => {
        const isSame = JSON.stringify(each) === JSON.stringify(found[n])
        return isSame
          ? []
          : [{ patterns: given?.patterns, line: given?.lines[n], now: given?.now, expected: each, found: found[n] }]
      })
    })
    assert.deepEqual(wrong.slice(0, 20), [], `${wrong.length} differ`)
  })
})
