import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { it } from 'node:test'
import { setUpBans } from '../../test/kit/bans-kit.js'
import { loadConfig } from '../config/load.js'
import { isUnchanged, JailRuns } from './jail-runs.js'
import { buildJail, type JailUnit } from './jails.js'
import type { State } from './state.js'

it('a jail reads on when the kernel refuses what it should close, and is closed at the next try', async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-jail-runs-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const { bans, clock, log } = setUpBans()
  const unitWith = (options: string): JailUnit => {
    mkdirSync(path.join(dir, 'filter.d'), { recursive: true })
    writeFileSync(path.join(dir, 'fail2ban.conf'), '[Definition]\n')
    writeFileSync(path.join(dir, 'filter.d/plain.conf'), '[Definition]\nfailregex = ^no <HOST>$\n')
    writeFileSync(path.join(dir, 'jail.conf'), `[plain]\nenabled = true\nlogpath = ${dir}/log\n${options}\n`)
    const { config, problems } = loadConfig({ dir })
    const jail = config?.jails[0] ?? assert.fail(JSON.stringify(problems))
    const [resolve, readList, isOwn] = [() => undefined, () => [], () => false]
    const built = buildJail(jail, { clock, log, isNative: true, ignoreip: [], resolve, readList, isOwn })
    return 'unit' in built ? built.unit : assert.fail(JSON.stringify(built.problems))
  }
  const unit = unitWith('findtime = 10m')
  unit.state = 'running'
  const followed: string[] = []
  const arranged: unknown[] = []
  let isRefused = true
  const state = {
    ...{ bans, clock, log, jails: new Map([[unit.name, unit]]) },
    ...{ positions: { save() {} }, names: { keep: async () => {} } },
    followers: { add: () => followed.push('add'), remove: async () => followed.push('remove') },
    enforcer: {
      async arrange(scopes: unknown[]) {
        if (isRefused) throw new Error('no netlink')
        arranged.push(...scopes)
      },
    },
    config: { own: { protect: { ignoreip: [], proxies: [] } } },
  } as unknown as State
  const fresh = { ...unitWith('findtime = 5m'), scope: { jail: 'plain', ports: 'all' as const, protocols: [] } }
  const runs = new JailRuns(state)
  await assert.rejects(runs.become(unit, fresh), /no netlink/)
  assert.deepEqual(followed, ['remove', 'add'])
  assert.equal(isUnchanged(unit, fresh), false)
  isRefused = false
  await runs.become(unit, fresh)
  assert.deepEqual(arranged[0], fresh.scope)
  assert.equal(isUnchanged(unit, fresh), true)
})

it('a jail that the kernel refuses at its begin is begun anew at the next try', async () => {
  const { bans, clock, log } = setUpBans()
  const jails = new Map<string, JailUnit>()
  const state = {
    ...{ bans, clock, log, jails, names: { keep: async () => {} } },
    store: { bans: { addJail() {}, count: () => 0 } },
    enforcer: { arrange: () => Promise.reject(new Error('no netlink')) },
    config: { own: { protect: { ignoreip: [], proxies: [] } } },
  } as unknown as State
  const unit = {
    name: 'plain',
    notes: [],
    config: { source: { kind: 'none' }, jail: { ignoreip: [] } },
  } as unknown as JailUnit
  await assert.rejects(new JailRuns(state).enforce([unit]), /no netlink/)
  assert.equal(jails.size, 0)
})
