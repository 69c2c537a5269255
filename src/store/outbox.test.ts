import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Bans } from './bans.js'
import { Outbox } from './outbox.js'
import { ban, nowMs, StoreKit } from './store-kit.js'

describe('the outbox', () => {
  let kit: StoreKit
  beforeEach(() => {
    kit = new StoreKit()
  })
  afterEach(() => kit.end())

  it('keeps what is to be told in the transaction of its ban', () => {
    const database = kit.open()
    const outbox = new Outbox(database)
    const bans = new Bans(database, { outbox })
    bans.add([ban('203.0.113.9')], { tell: ['ban'] })
    bans.remove([{ jail: 'sshd', id: '203.0.113.9' }], { tell: ['unban'] })
    assert.deepEqual(outbox.pending(0, 10), [
      { seq: 1, text: 'ban' },
      { seq: 2, text: 'unban' },
    ])
    assert.equal(bans.current('sshd', nowMs).length, 0)
  })

  it('has the disk wait for what nobody else knows, and only for that', () => {
    const database = kit.open()
    const bans = new Bans(database, { outbox: new Outbox(database) })
    const [normal, full] = [1, 2]
    const synchronous = () => database.all('look into', 'PRAGMA synchronous')[0]?.synchronous
    bans.add([ban('203.0.113.9')])
    assert.equal(synchronous(), full)
    bans.add([ban('203.0.113.10')], { isElsewhere: true })
    assert.equal(synchronous(), normal)
    bans.add([ban('203.0.113.11')], { isElsewhere: true, tell: ['ban'] })
    assert.equal(synchronous(), full)
  })

  it('has nothing of a ban that could not be stored, and the other way round', () => {
    const database = kit.open()
    const outbox = new Outbox(database)
    const bans = new Bans(database, { outbox })
    const broken = Object.assign(new Outbox(database), {
      addWithin() {
        throw new Error('disk full')
      },
    })
    assert.throws(() => new Bans(database, { outbox: broken }).add([ban('203.0.113.9')], { tell: ['ban'] }))
    assert.equal(bans.current('sshd', nowMs).length, 0)
    assert.equal(outbox.lastSeq, 0)
  })

  it('never uses a number twice, also when all is told and the daemon started again', () => {
    const first = kit.open()
    const outbox = new Outbox(first)
    assert.equal(outbox.add(['a', 'b', 'c']), 3)
    outbox.remove([{ from: 1, to: 3 }])
    kit.close(first)
    const again = new Outbox(kit.open())
    assert.equal(again.lastSeq, 3)
    assert.equal(again.add(['d']), 4)
    assert.deepEqual(again.pending(0, 10), [{ seq: 4, text: 'd' }])
  })

  it('knows up to where all has been told', () => {
    const outbox = new Outbox(kit.open())
    assert.equal(outbox.toldSeq, 0)
    outbox.add(['a', 'b', 'c', 'd'])
    outbox.remove([
      { from: 1, to: 1 },
      { from: 3, to: 3 },
    ])
    assert.equal(outbox.toldSeq, 1)
    outbox.remove([{ from: 2, to: 4 }])
    assert.equal(outbox.toldSeq, 4)
  })

  it('goes on above a number that others have heard from us already', () => {
    const outbox = new Outbox(kit.open())
    outbox.raiseTo(100)
    assert.equal(outbox.add(['a']), 101)
    outbox.raiseTo(50)
    assert.equal(outbox.add(['b']), 102)
  })
})
