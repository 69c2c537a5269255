import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { copyConfiguration, stockDir } from '../../test/kit/stock-configuration.js'
import { loadConfig } from '../config/load.js'
import type { ActionSpec } from '../domain/action-spec.js'
import { closeOf, takeoverSentences } from './takeover.js'

const stockActions = `${stockDir}/action.d`
const noStock = existsSync(`${stockActions}/iptables.conf`) ? false : `there is no Fail2ban in ${stockActions}`
const temporary = mkdtempSync(path.join(os.tmpdir(), 'takeover-'))
after(() => rmSync(temporary, { recursive: true }))

const services = (name: string) => ({ ssh: 22, http: 80 })[name]
let directories = 0

/** The actions as a jail gets them from a copy of this action.d, with these files added. */
function read(source: string, action: string, files?: Record<string, string>): readonly ActionSpec[] {
  const dir = path.join(temporary, String(directories++))
  mkdirSync(path.join(dir, 'filter.d'), { recursive: true })
  if (files === undefined) symlinkSync(source, path.join(dir, 'action.d'))
  else copyConfiguration(source, path.join(dir, 'action.d'))
  writeFileSync(path.join(dir, 'fail2ban.conf'), '[Definition]\n')
  writeFileSync(path.join(dir, 'filter.d', 'f.conf'), '[Definition]\nfailregex = ^<HOST>$\n')
  const jail = `[j]\nenabled = true\nfilter = f\nlogpath = /dev/null\naction = ${action}\n`
  writeFileSync(path.join(dir, 'jail.conf'), jail)
  for (const [name, text] of Object.entries(files ?? {})) writeFileSync(path.join(dir, 'action.d', name), text)
  const { config, problems } = loadConfig({ dir })
  return config?.jails[0]?.actions ?? assert.fail(JSON.stringify(problems))
}

function close(actions: readonly ActionSpec[], native = true) {
  return closeOf({ jail: 'j', actions, native, services })
}

const ofStock = (action: string, files?: Record<string, string>) => close(read(stockActions, action, files))
const args = 'name=j, port="ssh,http", protocol="tcp", chain="<known/chain>"'
const two = [
  { first: 22, last: 22 },
  { first: 80, last: 80 },
]
const every = [{ first: 0, last: 65535 }]

describe('an unmodified stock action', { skip: noStock }, () => {
  for (const file of [
    'iptables',
    'iptables-multiport',
    'iptables-new',
    'iptables-multiport-log',
    'iptables-ipset',
    'iptables-ipset-proto4',
    'iptables-ipset-proto6',
    'nftables',
    'nftables-multiport',
    'firewallcmd-multiport',
    'firewallcmd-new',
    'firewallcmd-ipset',
    'firewallcmd-rich-rules',
    'firewallcmd-rich-logging',
  ])
    it(`closes its ports natively: ${file}`, () => {
      // Without its type, this file is a part of others and no action.
      const type = file === 'iptables-ipset' ? ', type=multiport' : ''
      const { scope, others, problems } = ofStock(`${file}[${args}${type}]`)
      assert.deepEqual([scope?.ports, scope?.protocols, others, problems], [two, ['tcp'], [], []])
    })

  for (const file of ['iptables-allports', 'nftables-allports', 'iptables-ipset-proto6-allports'])
    it(`closes all ports of its protocol: ${file}`, () => {
      const { scope } = ofStock(`${file}[${args}]`)
      assert.deepEqual([scope?.ports, scope?.protocols], [every, ['tcp']])
      assert.equal(ofStock(`${file}[name=j, protocol=all]`).scope?.ports, 'all')
    })

  it('closes everything where its commands name neither ports nor protocols', () => {
    assert.equal(ofStock(`firewallcmd-allports[${args}]`).scope?.ports, 'all')
  })

  it('closes all ports where its type says so', () => {
    for (const action of [`nftables[type=allports, ${args}]`, `firewallcmd-ipset[actiontype="<allports>", ${args}]`])
      assert.deepEqual(ofStock(action).scope?.ports, every)
  })

  it('is known by its commands, whatever the jail and its ports are called', () => {
    for (const name of ['proto', 'f2b', 'w', 'tcp', 'INPUT', 'x'.repeat(200)])
      assert.ok(ofStock(`iptables-multiport[name="${name}", port="1", protocol="udp"]`).scope, name)
  })

  it('keeps its verdict, and rejecting is what iptables does by default', () => {
    assert.equal(ofStock(`iptables-multiport[${args}]`).scope?.verdict, 'reject')
    assert.equal(ofStock(`iptables-multiport[${args}, blocktype=DROP]`).scope?.verdict, 'drop')
    assert.equal(ofStock(`nftables-multiport[${args}, blocktype=drop]`).scope?.verdict, 'drop')
    const { scope } = ofStock(`nftables-multiport[${args}, blocktype="reject with icmp type 1"]`)
    assert.deepEqual([scope?.verdict, scope?.rejectWith], ['reject', 'host-unreachable'])
    const firewalld = ofStock(`firewallcmd-rich-rules[${args}, rejecttype=icmp-host-prohibited]`)
    assert.deepEqual([firewalld.scope?.verdict, firewalld.scope?.rejectWith], ['reject', 'admin-prohibited'])
    assert.equal(ofStock(`firewallcmd-multiport[${args}, blocktype="REJECT"]`).scope?.rejectWith, undefined)
  })

  it('is joined with others of its jail', () => {
    const both = ofStock(`iptables-multiport[${args}]\n  nftables[${args}, port=443, protocol=udp, actname=n]`)
    assert.equal(both.scope?.ports.length, 3)
    assert.deepEqual(both.scope?.protocols, ['tcp', 'udp'])
  })

  it('says where a port was written that means nothing', () => {
    const { problems } = ofStock('iptables-multiport[name=j, port="ssh,nosuch"]')
    assert.deepEqual(
      problems.map(({ severity, jail }) => [severity, jail]),
      [['error', 'j']],
    )
    assert.match(problems[0]?.message ?? '', /"nosuch"/)
  })

  it('is run as written when its jail says that nothing is native', () => {
    const actions = read(stockActions, `iptables-multiport[${args}]`)
    assert.deepEqual(close(actions, false), { scope: undefined, others: actions, problems: [], notes: [] })
  })
})

describe('a modified stock action', { skip: noStock }, () => {
  for (const [what, action, files] of [
    ['its command', 'iptables-multiport', { 'iptables.local': '[Definition]\nactionban = tool <ip>\n' }],
    ['a part of its commands', 'iptables-multiport', { 'iptables.local': '[Definition]\n_ipt_rule_target = ACCEPT\n' }],
    ['its program', 'iptables-multiport', { 'iptables.local': '[Init]\niptables = /opt/iptables -w\n' }],
    ['its program for IPv6', 'iptables', { 'iptables.local': '[Init?family=inet6]\niptables = true\n' }],
    ['a further command', 'nftables', { 'nftables.local': '[Definition]\nactionprolong = tool <ip>\n' }],
    ['an argument', 'iptables-multiport[actionban="tool <ip>"]', {}],
    ['a chain with a condition', 'iptables-multiport[chain="INPUT -i eth0"]', {}],
    ['another target', 'iptables-multiport[blocktype="MARK --set-mark 1"]', {}],
    ['a condition in the target', 'nftables[blocktype="log prefix x drop"]', {}],
    ['what happens to the others', 'iptables-multiport[returntype=ACCEPT]', {}],
    ['an end of its own', 'iptables-ipset-proto6[ipsettime=600]', {}],
    ['its rule', 'iptables-new[pre-rule="-i eth0 "]', {}],
    ['its very name only', 'iptables-xt_recent-echo', {}],
  ] as const)
    it(`is run as written: ${what}`, () => {
      const { scope, others } = ofStock(action, files)
      assert.equal(scope, undefined)
      assert.equal(others.length, 1)
    })

  it('is named', () => {
    const { notes } = ofStock('iptables-multiport[returntype=ACCEPT]')
    assert.deepEqual(notes, [{ kind: 'changed', what: 'iptables-multiport' }])
  })
})

describe('our own actions', () => {
  const own = new URL('../../config/action.d', import.meta.url).pathname

  it('are native; if not, they were changed without running scripts/stock-fingerprints.mjs', () => {
    const { scope, others } = close(read(own, `nftables-multiport[${args}]`))
    assert.deepEqual([scope, others], [{ jail: 'j', ports: two, protocols: ['tcp'], verdict: 'drop' }, []])
    assert.equal(close(read(own, `nftables-allports[${args}]`)).scope?.ports, 'all')
  })
})

describe('a jail without a native action', () => {
  it('closes nothing and has its actions run', () => {
    const actions: ActionSpec[] = [
      { file: 'mine', name: 'mine', properties: [['actionban', 'tool <ip>']], origin: { file: 'jail.local', line: 1 } },
    ]
    assert.deepEqual(close(actions), { scope: undefined, others: actions, problems: [], notes: [] })
    assert.equal(close([]).scope, undefined)
  })
})

describe('what the operator is told', () => {
  it('is one sentence a kind, however many jails there are', () => {
    const notes = new Map(
      ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((jail) => [
        jail,
        [
          { kind: 'native', what: 'iptables-multiport' },
          { kind: 'new-only', what: 'iptables-multiport' },
        ] as const,
      ]),
    )
    const sentences = takeoverSentences(notes)
    assert.equal(sentences.length, 2)
    assert.match(sentences[0] ?? '', /in the kernel.*: iptables-multiport \(jails a, b, c, d, e and 2 more\)/)
  })

  it('names a chain of its own, logging, and connections that would have gone on', { skip: noStock }, () => {
    const kinds = (action: string) => ofStock(action).notes.map(({ kind, what }) => `${kind} ${what}`)
    const native = 'native iptables-new'
    assert.deepEqual(kinds('iptables-new[blocktype=DROP]'), [native, 'new-only iptables-new'])
    assert.deepEqual(kinds('iptables-new[blocktype=DROP, chain=FORWARD]').slice(0, 2), [native, 'chain FORWARD'])
    assert.ok(kinds(`iptables-multiport-log[${args}]`).includes('logs iptables-multiport-log'))
    const logOf = (action: string) => ofStock(action).scope?.log
    assert.deepEqual(logOf(`iptables-multiport-log[${args}]`), { packets: 6, per: 'minute' })
    assert.deepEqual(logOf(`firewallcmd-rich-logging[${args}, rate=3]`), { packets: 3, per: 'minute' })
    assert.equal(logOf(`iptables-multiport[${args}]`), undefined)
  })
})
