import assert from 'node:assert/strict'
import { it } from 'node:test'
import { ManualClock } from '../../test/kit/manual-clock.js'
import { silentLog } from '../lib/log.js'
import { openDatabase } from './database.js'
import { Logins } from './logins.js'

it('keeps logins until they are over, each address once', () => {
  const database = openDatabase({ path: ':memory:', clock: new ManualClock(), log: silentLog })
  const logins = new Logins(database)
  logins.add(
    [
      { address: '203.0.113.5', user: 'alice', untilMs: 1000 },
      { address: '2001:db8::9', user: 'bob', untilMs: 3000 },
    ],
    0,
  )
  logins.add([{ address: '203.0.113.5', user: 'carol', untilMs: 2000 }], 10)
  assert.deepEqual(logins.current(1500), [
    { address: '203.0.113.5', user: 'carol', untilMs: 2000 },
    { address: '2001:db8::9', user: 'bob', untilMs: 3000 },
  ])
  logins.add([], 2500)
  assert.deepEqual(
    new Logins(database).current(0).map((login) => login.address),
    ['2001:db8::9'],
  )
  database.close()
})
