import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Ban } from '../domain/ban.js'
import { endMs } from '../domain/ban.js'
import { Bans } from './bans.js'
import { askPeer, ban, noPeer, StoreKit } from './store-kit.js'

const count = 1000
const nowMs = Math.floor(Date.now() / 1000) * 1000
/** What Fail2ban has of the jail; it looks only at bans that run by its own clock. */
const theirBans = `
tickets = db.getCurrentBans(jail=jail, fromtime=${nowMs / 1000}, forbantime=None, maxmatches=5)
print(json.dumps([[str(t.getID()), t.getTime(), t.getBanTime(), t.getBanCount()] for t in tickets]))`

const peer = (body: string) => `
class Actions:
    def getBanTime(self): return 1209600
class Jail:
    name = 'sshd'
    actions = Actions()
    def getMaxBanTime(self): return -1
jail = Jail()
db = Fail2BanDb(sys.argv[1])
db.addJail(jail)
${body}
db.close()
`

type Row = [id: string, start: number, duration: number, count: number]

let kit: StoreKit
beforeEach(() => {
  kit = new StoreKit()
})
afterEach(() => kit.end())

/** Addresses of both families and networks; short, long, permanent; whole seconds and not. */
function anyBan(at: number): Ban {
  const id =
    [`203.0.${at >> 8}.${at & 255}`, `2001:db8::${at.toString(16)}`, `10.${at >> 8}.${at & 255}.0/24`][at % 3] ?? ''
  const durationMs = at % 10 === 0 ? undefined : 3_600_000 + at * 997
  return ban(id, { startMs: nowMs - 60_000 + at * 17, durationMs, count: 1 + (at % 5), lines: [`line of ${at} ü`] })
}

describe('a switch there and back with 1,000 bans', { skip: noPeer ?? false }, () => {
  it('from ours: the peer has every one of them, none ends earlier, and they come back to us', async () => {
    const all = Array.from({ length: count }, (_, at) => anyBan(at))
    const before = kit.open()
    new Bans(before).add(all)
    kit.close(before)
    const theirs = new Map(((await askPeer(peer(theirBans), kit.file)) as Row[]).map((row) => [row[0], row]))
    assert.equal(theirs.size, count)
    for (const one of all) {
      const [, start, duration, number] = theirs.get(one.id) ?? assert.fail(one.id)
      const theirEndMs = duration === -1 ? Number.POSITIVE_INFINITY : (start + duration) * 1000
      // The columns have whole seconds: the begin is rounded, the length rounded up.
      assert.ok(theirEndMs >= endMs(one) - 500 && (theirEndMs === endMs(one) || theirEndMs < endMs(one) + 1500), one.id)
      assert.equal(number, one.count)
    }
    const back = new Bans(kit.open()).current('sshd', nowMs, { details: true })
    assert.deepEqual(
      back,
      all.map((one) => ({ ...one, origin: { kind: 'restored' } })),
    )
  })

  it('from the peer: we have every one of them, and after our additions so has the peer', async () => {
    await askPeer(
      peer(`
for i in range(${count}):
    t = FailTicket('203.0.%d.%d' % (i >> 8, i & 255), ${nowMs / 1000} - i % 50, ['line %d' % i], data={'user': 'u%d' % i})
    t.setAttempt(3); t.setBanTime(-1 if i % 10 == 0 else 3600 + i); t.setBanCount(1 + i % 4)
    db.addBan(jail, t)
print('null')`),
      kit.file,
    )
    const database = kit.open()
    const bans = new Bans(database)
    const ours = new Map(bans.current('sshd', nowMs).map((one) => [one.id, one]))
    assert.equal(ours.size, count)
    for (let i = 0; i < count; i++) {
      const { startMs, durationMs, count: number } = ours.get(`203.0.${i >> 8}.${i & 255}`) ?? assert.fail()
      assert.deepEqual(
        [startMs, durationMs, number],
        [nowMs - (i % 50) * 1000, i % 10 === 0 ? undefined : (3600 + i) * 1000, 1 + (i % 4)],
      )
    }
    bans.add([ban('198.51.100.1', { startMs: nowMs, durationMs: 7_200_000 })])
    bans.remove([{ jail: 'sshd', id: '203.0.0.0' }])
    kit.close(database)
    const theirs = (await askPeer(peer(theirBans), kit.file)) as Row[]
    assert.equal(theirs.length, count)
    assert.deepEqual(
      theirs.find(([id]) => id === '198.51.100.1'),
      ['198.51.100.1', nowMs / 1000, 7200, 1],
    )
    assert.equal(
      theirs.find(([id]) => id === '203.0.0.0'),
      undefined,
    )
  })
})
