import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Bans } from './bans.js'
import type { Database } from './database.js'
import { askPeer, ban, noPeer, nowMs, StoreKit } from './store-kit.js'

let kit: StoreKit
let database: Database
let bans: Bans

beforeEach(() => {
  kit = new StoreKit()
  database = kit.open()
  bans = new Bans(database)
})
afterEach(() => kit.end())

describe('stored bans', () => {
  it('come back after a restart, to the millisecond', () => {
    const odd = ban('192.0.2.1', { startMs: nowMs + 123, durationMs: 1500 })
    const byHand = ban('2001:db8::1', {
      durationMs: undefined,
      origin: { kind: 'operator' },
      lines: [],
      data: {},
      failures: 0,
    })
    bans.add([odd, byHand])
    kit.close(database)
    const again = new Bans(kit.open())
    assert.deepEqual(again.current('sshd', nowMs, { details: true }), [
      { ...odd, origin: { kind: 'restored' } },
      byHand,
    ])
    assert.deepEqual(again.current('sshd', nowMs)[0]?.lines, [])
    assert.deepEqual(again.history('192.0.2.1'), [odd])
  })

  it('are current until their exact end, permanent ones always', () => {
    bans.add([
      ban('a', { startMs: nowMs + 400, durationMs: 1000 }),
      ban('b', { durationMs: undefined }),
      ban('c', { jail: 'nginx' }),
    ])
    const ids = (atMs: number) => bans.current('sshd', atMs).map(({ id }) => id)
    assert.deepEqual(ids(nowMs + 1399), ['a', 'b'])
    assert.deepEqual(ids(nowMs + 1400), ['b'])
    assert.deepEqual(ids(nowMs + 1e12), ['b'])
  })

  it('are one for each id and jail in force, all of them on record', () => {
    bans.add([ban('a', { startMs: nowMs - 1000 }), ban('a', { count: 2 }), ban('a', { jail: 'nginx' })])
    assert.deepEqual(
      bans.current('sshd', nowMs).map(({ count }) => count),
      [2],
    )
    assert.deepEqual(
      bans.history('a').map(({ jail, count }) => [jail, count]),
      [
        ['nginx', 1],
        ['sshd', 2],
        ['sshd', 1],
      ],
    )
    assert.deepEqual(
      [
        bans.recordOf('a', 'sshd'),
        bans.recordOf('a', undefined),
        bans.recordOf('x', undefined),
        bans.recordOf('x', 'sshd'),
      ],
      [{ count: 2, startMs: nowMs }, { count: 3, startMs: nowMs }, undefined, undefined],
    )
  })

  it('are forgotten when they are removed', () => {
    bans.add([ban('a'), ban('b'), ban('a', { jail: 'nginx' })])
    bans.remove([{ jail: 'sshd', id: 'a' }])
    assert.deepEqual(
      bans.history('a').map(({ jail }) => jail),
      ['nginx'],
    )
    bans.removeAll('sshd')
    assert.deepEqual([bans.current('sshd', nowMs), bans.current('nginx', nowMs).length], [[], 1])
  })

  it('keep hostile text as it is, and only the last lines', () => {
    const hostile = `"'\\\0\u2028'; DROP TABLE bans; -- \ud800 ü€😀`
    const few = new Bans(database, { matchesMax: () => 2 })
    few.add([ban(hostile, { lines: ['1', '2', hostile], data: { user: hostile, matches: 'x', __proto__: 'y' } })])
    const [back] = few.history(Buffer.from(hostile).toString())
    assert.deepEqual(back?.lines, ['2', hostile])
    assert.deepEqual(back?.data, { user: hostile })
    new Bans(database, { matchesMax: () => 0 }).add([ban('none')])
    assert.deepEqual(few.history('none')[0]?.lines, [])
  })

  it('are all stored or none', () => {
    const broken = {
      ...ban('b'),
      get id(): string {
        throw new Error('no')
      },
    }
    assert.throws(() => bans.add([ban('a'), broken]), { name: 'StoreError' })
    assert.deepEqual(bans.current('sshd', nowMs), [])
  })

  it('survive data that is no JSON', () => {
    bans.add([ban('a')])
    database.transaction('spoil', () => database.run("UPDATE bips SET data = '{broken'"))
    assert.deepEqual(bans.current('sshd', nowMs, { details: true }), bans.current('sshd', nowMs))
    assert.deepEqual(bans.current('sshd', nowMs)[0]?.data, {})
  })

  it('are purged when they count no more, with the jails that are gone', () => {
    const dayMs = 86_400_000
    const long = 10 * dayMs
    bans.addJail('empty')
    bans.add([
      ban('old', { startMs: nowMs - 3 * dayMs, jail: 'gone' }),
      ban('long', { startMs: nowMs - 3 * dayMs, durationMs: long }),
      ban('permanent', { startMs: nowMs - 3 * dayMs, durationMs: undefined }),
      ban('new'),
    ])
    bans.disableAllJails()
    bans.addJail('sshd')
    bans.purge(nowMs, dayMs)
    assert.deepEqual(
      bans.current('sshd', nowMs).map(({ id }) => id),
      ['long', 'permanent', 'new'],
    )
    assert.deepEqual([bans.history('old'), bans.history('long'), bans.history('new').length], [[], [], 1])
    assert.deepEqual(
      database.all('read', 'SELECT name, enabled FROM jails').map((row) => ({ ...row })),
      [{ name: 'sshd', enabled: 1 }],
    )
    bans.disableJail('sshd')
    assert.equal(database.all('read', 'SELECT enabled FROM jails')[0]?.enabled, 0)
  })
})

describe('beside the installed Fail2ban', { skip: noPeer ?? false }, () => {
  const peer = (body: string) => `
class Actions:
    def getBanTime(self): return 600
class Jail:
    name = 'sshd'
    actions = Actions()
    def getMaxBanTime(self): return -1
db = Fail2BanDb(sys.argv[1])
${body}
db.close()
`

  it('our bans are its bans', async () => {
    bans.add([
      ban('192.0.2.1', { startMs: nowMs + 400, count: 2, lines: ['ä 1', '2'] }),
      ban('2001:db8::1', { durationMs: undefined, origin: { kind: 'operator' } }),
    ])
    kit.close(database)
    const answer = await askPeer(
      peer(`
tickets = db.getCurrentBans(jail=Jail(), fromtime=${nowMs / 1000})
print(json.dumps([[str(t.getID()), t.getTime(), t.getBanTime(), t.getBanCount(), t.getMatches(), t.getAttempt(), t.getData('user')] for t in tickets]))`),
      kit.file,
    )
    assert.deepEqual(answer, [
      ['192.0.2.1', nowMs / 1000, 600, 2, ['ä 1', '2'], 3, 'root'],
      ['2001:db8::1', nowMs / 1000, -1, 1, ['bad login from 2001:db8::1'], 3, 'root'],
    ])
  })

  it('its bans are ours, also after ours were replaced by it', async () => {
    bans.add([ban('192.0.2.1', { startMs: nowMs + 123 })])
    kit.close(database)
    await askPeer(
      peer(`
t = FailTicket('192.0.2.1', ${nowMs / 1000 + 60}, [['', '2026-11-21 01:30:00', ' bad ä'], 'plain'], data={'user': 'x', 'users': ['a', 'b']})
t.setAttempt(2); t.setBanTime(30); t.setBanCount(4)
db.addBan(Jail(), t)
print('null')`),
      kit.file,
    )
    const [back, ...others] = new Bans(kit.open()).current('sshd', nowMs, { details: true })
    assert.deepEqual(others, [])
    assert.deepEqual(back, {
      ...ban('192.0.2.1', { startMs: nowMs + 60_000, durationMs: 30_000, count: 4, failures: 2 }),
      origin: { kind: 'restored' },
      lines: ['2026-11-21 01:30:00 bad ä', 'plain'],
      data: { user: 'x', users: 'a, b' },
    })
  })
})
