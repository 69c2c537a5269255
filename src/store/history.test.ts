import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { ManualClock } from '../../test/kit/manual-clock.js'
import { Bans } from './bans.js'
import type { Database } from './database.js'
import { Connection } from './sqlite.js'
import { ban, nowMs, StoreKit } from './store-kit.js'

let kit: StoreKit
let database: Database
let bans: Bans

beforeEach(() => {
  kit = new StoreKit()
  database = kit.open()
  bans = new Bans(database)
})
afterEach(() => kit.end())

const dayMs = 86_400_000

describe('what is on record of somebody', () => {
  it('is his last ban in a jail, with all that led to it', () => {
    const last = ban('a', { startMs: nowMs + 1500, count: 2, lines: ['2'], data: { user: 'x' } })
    bans.add([ban('a'), last, ban('a', { jail: 'nginx', startMs: nowMs + 9000 })])
    assert.deepEqual(bans.lastOf('sshd', 'a'), last)
    assert.equal(bans.lastOf('sshd', 'b'), undefined)
  })

  it('is the newest lines and all failures of his bans, in one jail or in all', () => {
    const few = new Bans(database, { matchesMax: () => 3 })
    few.add([
      ban('a', { lines: ['1', '2'], failures: 2 }),
      ban('a', { jail: 'nginx', startMs: nowMs + 1000, lines: ['3'], failures: 5 }),
      ban('a', { startMs: nowMs + 2000, lines: ['4', '5'], failures: 3 }),
    ])
    assert.deepEqual(few.historyLines('a'), { lines: ['3', '4', '5'], failures: 10 })
    assert.deepEqual(few.historyLines('a', 'sshd'), { lines: ['2', '4', '5'], failures: 5 })
    assert.deepEqual(few.historyLines('b'), { lines: [], failures: 0 })
    assert.deepEqual(new Bans(database, { matchesMax: () => 0 }).historyLines('a').lines, [])
  })

  it('is counted without looking twice, and anew after every change', () => {
    const count = (jail?: string) => bans.recordOf('a', jail)?.count
    assert.deepEqual([count('sshd'), count()], [undefined, undefined])
    bans.add([ban('a')])
    assert.deepEqual([count('sshd'), count('nginx'), count()], [1, undefined, 1])
    bans.add([ban('a', { count: 2 }), ban('a', { jail: 'nginx' })])
    assert.deepEqual([count('sshd'), count('nginx'), count()], [2, 1, 3])
    bans.remove([{ jail: 'sshd', id: 'a' }])
    assert.deepEqual([count('sshd'), count()], [undefined, 1])
    bans.removeAll(['nginx', 'sshd'])
    assert.equal(count(), undefined)
    bans.add([ban('a', { startMs: nowMs - 3 * dayMs })])
    assert.equal(count(), 1)
    bans.purge(nowMs, dayMs)
    assert.equal(count(), undefined)
  })

  it('counts as nothing when it cannot be read', () => {
    bans.add([ban('a')])
    kit.close(database)
    assert.equal(bans.recordOf('a', 'sshd'), undefined)
  })
})

describe('bans since some time', () => {
  it('come oldest first, in slices, from exactly then on', () => {
    const many = Array.from({ length: 12_000 }, (_, i) => ban(`id ${i}`, { startMs: nowMs + Math.floor(i / 3) * 500 }))
    bans.add(many)
    const slices = [...bans.since(nowMs + 1500)]
    assert.ok(slices.every(({ length }) => length <= 4000))
    assert.deepEqual(
      slices.flat().map(({ id }) => id),
      many.slice(9).map(({ id }) => id),
    )
    assert.deepEqual([slices[0]?.[0]?.lines, slices[0]?.[0]?.failures], [[], 3])
  })
})

describe('current bans', () => {
  it('come in slices, all of them, with their exact times and without reading what led to them', () => {
    const many = Array.from({ length: 12_000 }, (_, i) =>
      ban(`id ${i}`, {
        startMs: nowMs + i,
        durationMs: 60_000 + (i % 2) * i,
        lines: [`,"tocsin.startMs":${i}}`],
        data: { user: '"tocsin.by":"operator"}' },
      }),
    )
    bans.add([
      ...many,
      ban('other', { jail: 'nginx' }),
      ban('hand', { origin: { kind: 'operator' }, durationMs: undefined }),
    ])
    const slices = [...bans.currentInSlices('sshd', nowMs)]
    assert.ok(slices.every(({ length }) => length <= 4000))
    const found = slices.flat()
    assert.deepEqual(
      found.slice(0, -1).map(({ id, startMs, durationMs, origin }) => [id, startMs, durationMs, origin.kind]),
      many.map(({ id, startMs, durationMs }) => [id, startMs, durationMs, 'restored']),
    )
    assert.deepEqual(
      [found.at(-1)?.id, found.at(-1)?.origin.kind, found.at(-1)?.durationMs],
      ['hand', 'operator', undefined],
    )
  })

  it('have the times of the columns when another program has changed those', () => {
    bans.add([ban('a', { startMs: nowMs + 123, durationMs: 1500 })])
    database.run('UPDATE bips SET timeofban = timeofban + 60, bantime = 30')
    for (const details of [true, false]) {
      const [back] = bans.current('sshd', nowMs, { details })
      assert.deepEqual([back?.startMs, back?.durationMs], [nowMs + 60_000, 30_000])
    }
  })

  it('get a new ban time, those that run and have the old one', () => {
    bans.add([
      ban('runs'),
      ban('over', { startMs: nowMs - dayMs }),
      ban('other', { durationMs: 5000 }),
      ban('exact', { durationMs: 599_500 }),
      ban('jail', { jail: 'nginx' }),
    ])
    bans.retime('sshd', { fromMs: 600_000, toMs: 60_000, nowMs })
    const times = () => bans.current('sshd', nowMs).map(({ id, durationMs }) => [id, durationMs])
    assert.deepEqual(times(), [
      ['runs', 60_000],
      ['other', 5000],
      ['exact', 60_000],
    ])
    bans.retime('sshd', { fromMs: 60_000, toMs: undefined, nowMs })
    bans.retime('sshd', { fromMs: undefined, toMs: 7000, nowMs })
    assert.deepEqual(times(), [
      ['runs', 7000],
      ['other', 5000],
      ['exact', 7000],
    ])
    assert.equal(bans.current('nginx', nowMs)[0]?.durationMs, 600_000)
  })
})

describe('a purge', () => {
  const old = (count: number) => Array.from({ length: count }, (_, i) => ban(`id ${i}`, { startMs: nowMs - 9 * dayMs }))

  it('goes on in parts between which others come, and gives the room back', () => {
    const clock = new ManualClock(nowMs)
    const gradual = new Bans(database, { clock })
    gradual.add([...old(5500), ban('new')])
    const pages = () => Number(database.all('count', 'PRAGMA page_count')[0]?.page_count)
    const left = () => Number(database.all('count', 'SELECT count(*) AS n FROM bans')[0]?.n)
    const full = pages()
    gradual.purge(nowMs, dayMs)
    assert.equal(left(), 5101)
    clock.turn(20)
    assert.equal(left(), 4301)
    clock.turn(10_000)
    assert.equal(left(), 1)
    assert.ok(pages() < full / 10, `${full} pages became ${pages()}`)
  })

  it('keeps old records that still count, however many, and deletes those between them', () => {
    const clock = new ManualClock(nowMs)
    const gradual = new Bans(database, { clock })
    const some = Array.from({ length: 3000 }, (_, i) =>
      ban(`id ${i}`, {
        startMs: nowMs - (9 + (i % 7)) * dayMs,
        durationMs: i % 3 === 0 ? undefined : i % 3 === 1 ? 1000 : 9 * dayMs,
      }),
    )
    gradual.add(some)
    gradual.purge(nowMs, dayMs)
    clock.turn(10_000)
    const kept = database
      .all('read', 'SELECT bantime, count(*) AS n FROM bips GROUP BY bantime')
      .map((row) => ({ ...row }))
    assert.deepEqual(kept, [
      { bantime: -1, n: 1000 },
      { bantime: (9 * dayMs) / 1000, n: 1000 },
    ])
    assert.deepEqual(database.all('read', 'SELECT count(*) AS n FROM bans')[0]?.n, 0)
  })

  it('ends with the store', () => {
    const clock = new ManualClock(nowMs)
    const gradual = new Bans(database, { clock })
    gradual.add(old(2500))
    gradual.purge(nowMs, dayMs)
    gradual.close()
    kit.close(database)
    clock.turn(1000)
  })

  it('that another program keeps from going on does not fail, and is done the next time', () => {
    const clock = new ManualClock(nowMs)
    const gradual = new Bans(database, { clock })
    gradual.add(old(2500))
    gradual.purge(nowMs, dayMs)
    const other = new Connection(kit.file, 50)
    other.exec('BEGIN EXCLUSIVE')
    clock.turn(1000)
    assert.throws(() => gradual.purge(nowMs, dayMs), { name: 'StoreError', code: 'SQLITE_BUSY' })
    other.exec('COMMIT')
    other.close()
    gradual.purge(nowMs, dayMs)
    clock.turn(1000)
    assert.deepEqual(gradual.history('id 1'), [])
  })
})

describe('the file', () => {
  const vacuum = (of: Database) => of.all('ask', 'PRAGMA auto_vacuum')[0]?.auto_vacuum

  it('can shrink when we made it, and when it was made small by somebody else', () => {
    assert.equal(vacuum(database), 2)
    kit.close(database)
    const other = new Connection(kit.file, 50)
    other.exec('PRAGMA auto_vacuum = NONE; VACUUM')
    other.close()
    const again = kit.open()
    assert.equal(vacuum(again), 2)
    new Bans(again).add([ban('a')])
  })

  it('is not written anew when it is large', () => {
    bans.add(Array.from({ length: 6000 }, (_, i) => ban(`id ${i}`, { lines: ['x'.repeat(300)] })))
    kit.close(database)
    const other = new Connection(kit.file, 50)
    other.exec('PRAGMA auto_vacuum = NONE; VACUUM')
    other.close()
    assert.equal(vacuum(kit.open()), 0)
  })

  it('has a log beside it that stays short', () => {
    bans.add(Array.from({ length: 30_000 }, (_, i) => ban(`id ${i}`, { lines: ['x'.repeat(300)] })))
    assert.ok(statSync(`${kit.file}-wal`).size > 20e6)
    bans.add([ban('next')])
    bans.add([ban('and next')])
    assert.ok(statSync(`${kit.file}-wal`).size <= 16 * 1024 * 1024)
  })
})
