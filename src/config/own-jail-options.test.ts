import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { blankJail } from './edit.js'
import { loadConfig } from './load.js'
import { isWrongValue, parseIpv6Prefix, parseSubnetRule } from './own-jail-options.js'
import { commandStream } from './stream.js'
import { withOwnOptions } from './with-own-options.js'

const filter =
  '[Definition]\nfailregex = ^bad <HOST>$\nsuccessregex = ^good <F-USER>\\S+</F-USER> <HOST>$\nsuccessby = user\n'
const jails = (text: string) => `[door]\nenabled = yes\nfilter = door\nlogpath = /var/log/door.log\n${text}\n`

describe('options of a jail that Fail2ban does not have', () => {
  it('are off where nobody asks for them', (t) => {
    const { jail, filter } = only(t, { jails: '[door]\nenabled = yes\n' })
    for (const name of ['ipv6Prefix', 'subnetEscalate', 'successBy']) assert.ok(!(name in jail), name)
    assert.ok(!('successregex' in filter))
  })

  it('come from [protect] for all jails, and from the jail before that', (t) => {
    const own = '[protect]\nipv6_prefix = 64\nsubnet_escalate = 5 in 1h\n'
    const { jail } = only(t, { jails: jails(''), own })
    assert.deepEqual([jail.ipv6Prefix, jail.subnetEscalate], [64, { count: 5, windowMs: 3_600_000 }])
    const other = only(t, { jails: jails('ipv6_prefix = 56\nsubnet_escalate = off'), own }).jail
    assert.deepEqual([other.ipv6Prefix, other.subnetEscalate], [56, undefined])
    assert.equal(only(t, { jails: jails('ipv6_prefix = off'), own }).jail.ipv6Prefix, undefined)
  })

  it('take successes from the filter, and the jail may say otherwise', (t) => {
    const door = only(t, { jails: jails('') })
    assert.deepEqual(
      door.filter.successregex?.map(({ value }) => value),
      ['^good <F-USER>\\S+</F-USER> <HOST>$'],
    )
    assert.equal(door.filter.successregex?.[0]?.origin.line, 3)
    assert.equal(door.jail.successBy, 'user')
    const mine = only(t, { jails: jails('successregex =\nsuccessby = ip') })
    assert.deepEqual([mine.filter.successregex, mine.jail.successBy], [undefined, undefined])
  })

  it('make bans the source of a jail, which then needs neither log nor filter', (t) => {
    const { source, filter } = only(t, {
      jails:
        '[DEFAULT]\nfilter = %(__name__)s\n[recidive]\nenabled = yes\nbackend = bans\nignorejails = door, manual\n[door]\n',
    })
    assert.deepEqual(source, { kind: 'bans', ignorejails: ['door', 'manual'] })
    assert.deepEqual(filter.failregex, [])
  })

  it('are told when they are wrong, with their line', (t) => {
    const told = problemsOf(t, {
      jails: jails('ipv6_prefix = 16\nsubnet_escalate = 1 in 1h\nsuccessby = name\nfindtime = 0\nbantime = -2'),
      own: '[protect]\nipv6_prefix = x\nsubnet_escalate = 5 in\n[enforcement]\nnativ = no\nby = iptables\n',
    })
    assert.deepEqual(told, [
      'error tocsin.conf:5 [enforcement] has no option "nativ"',
      'error tocsin.conf:6 [enforcement] by "iptables" is an unknown word',
      'error tocsin.conf:2 [protect] ipv6_prefix "x" is neither off nor a number of bits from 32 to 128',
      'error tocsin.conf:3 [protect] subnet_escalate "5 in" is no rule',
      'warning jail.conf:8 findtime "0" lets nothing count: every failure is older',
      'warning jail.conf:9 bantime "-2" bans nobody: every ban is over at once',
      'error jail.conf:5 ipv6_prefix "16" is neither off nor a number of bits from 32 to 128',
      'error jail.conf:6 subnet_escalate "1 in 1h" would ban a network for one of its members',
      'error jail.conf:7 successby "name" is not known',
    ])
  })

  it('are told when they look misspelled, and so are jails whose bans are not to count', (t) => {
    const told = problemsOf(t, {
      jails: `${jails('ipv6_prefx = 64\nsucessregex = x')}[recidive]\nenabled = yes\nbackend = bans\nignorejails = dor manual\n`,
    })
    assert.deepEqual(told, [
      'warning jail.conf:5 [door] sets "ipv6_prefx", which nothing reads',
      'warning jail.conf:6 [door] sets "sucessregex", which nothing reads',
      'warning jail.conf:10 ignorejails names "dor", which is no jail',
    ])
  })

  it('are in no command stream, so that Fail2ban understands all of it, and are put back from the files', (t) => {
    const dir = written(t, {
      jails: `${jails('ipv6_prefix = 64\nsubnet_escalate = 5 in 1h')}[recidive]\nenabled = yes\nbackend = bans\nlogpath = /x\n`,
    })
    const stream = commandStream({ dir, missingLogs: 'warning', ignoreWrong: true })
    assert.ok(stream.kind === 'read')
    assert.doesNotMatch(JSON.stringify(stream.commands), /success|ipv6_prefix|subnet|addlogpath/)
    assert.ok(
      stream.commands.some(([verb, name, backend]) => verb === 'add' && name === 'recidive' && backend === 'bans'),
    )
    const [door, recidive] = loadConfig({ dir }).config?.jails ?? []
    assert.ok(door && recidive)
    const restored = withOwnOptions(blankJail('door', 'auto'), door)
    assert.deepEqual([restored.jail.ipv6Prefix, restored.jail.successBy], [64, 'user'])
    assert.equal(restored.filter.successregex?.length, 1)
    assert.deepEqual(withOwnOptions(blankJail('recidive', 'bans'), recidive).source, { kind: 'bans', ignorejails: [] })
  })
})

it('reads rules for networks', () => {
  assert.deepEqual(parseSubnetRule('5 in 1h for 1d'), { count: 5, windowMs: 3_600_000, banTimeMs: 86_400_000 })
  assert.deepEqual(parseSubnetRule('3 in 1h 30m'), { count: 3, windowMs: 5_400_000 })
  for (const text of ['off', 'no', '', '0']) assert.equal(parseSubnetRule(text), undefined)
  for (const text of ['5', 'five in 1h', '5 in x', '5 in 1h for', '5 in 1h for x', '0 in 1h', '5 in 0', '-5 in 1h'])
    assert.ok(isWrongValue(parseSubnetRule(text)), text)
})

it('reads IPv6 prefixes', () => {
  for (const [text, bits] of [
    ['64', 64],
    ['/64', 64],
    ['32', 32],
    ['128', undefined],
    ['off', undefined],
  ] as const)
    assert.equal(parseIpv6Prefix(text), bits, text)
  for (const text of ['31', '129', '64x', '-1', '6.4']) assert.ok(isWrongValue(parseIpv6Prefix(text)), text)
})

interface Written {
  jails: string
  own?: string
}

function written(t: TestContext, { jails, own }: Written): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-own-'))
  t.after(() => rmSync(dir, { recursive: true }))
  mkdirSync(path.join(dir, 'filter.d'))
  const files = {
    'fail2ban.conf': '[Definition]\n',
    'jail.conf': jails,
    'filter.d/door.conf': filter,
    'tocsin.conf': own,
  }
  for (const [name, text] of Object.entries(files)) if (text !== undefined) writeFileSync(path.join(dir, name), text)
  return dir
}

function only(t: TestContext, files: Written) {
  const { config, problems } = loadConfig({ dir: written(t, files) })
  assert.deepEqual(problems, [])
  const [jail] = config?.jails ?? []
  assert.ok(jail)
  return jail
}

function problemsOf(t: TestContext, files: Written): string[] {
  return loadConfig({ dir: written(t, files) }).problems.map(
    ({ severity, message, origin }) => `${severity} ${path.basename(origin?.file ?? '')}:${origin?.line} ${message}`,
  )
}
