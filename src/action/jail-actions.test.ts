import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { ActionKit, action, banOf, freshFile as fresh, recorder } from './action-kit.js'

const id = '203.0.113.7'

describe('JailActions', () => {
  it('runs real commands in the order of the configuration and stops in reverse', async () => {
    const file = fresh()
    const kit = new ActionKit()
    const both = ['a', 'b'].map((name) =>
      action(name, {
        actionstart: `echo ${name} start >> ${file}`,
        actionban: `echo ${name} ban <ip> <failures> >> ${file}`,
        actionunban: `echo ${name} unban <ip> >> ${file}`,
        actionstop: `echo ${name} stop >> ${file}`,
      }),
    )
    const jail = kit.jail('jail', both)
    void jail.start()
    kit.ban('jail', id)
    await jail.stop([banOf({ id })])
    // The ban still waited when the end came: it is neither made nor taken back.
    assert.deepEqual(readFileSync(file, 'utf8').split('\n').filter(Boolean), ['a start', 'b start', 'b stop', 'a stop'])
    const again = kit.jail('jail', both)
    await again.start()
    kit.ban('jail', id)
    await again.settled()
    await again.stop([banOf({ id })])
    const wanted = [
      'a start',
      'b start',
      `a ban ${id} 3`,
      `b ban ${id} 3`,
      `a unban ${id}`,
      `b unban ${id}`,
      'b stop',
      'a stop',
    ]
    assert.deepEqual(readFileSync(file, 'utf8').split('\n').filter(Boolean).slice(4), wanted)
  })

  it('a slow action of one jail delays no other jail', async () => {
    const kit = new ActionKit()
    const marks = { fast: fresh(), slow: fresh() }
    // The slow one ends when it sees that the fast one has run: if it waited for the slow one, this would end by the time-out.
    kit.jail('slow', [
      action('x', {
        actionban: `while [ ! -e ${marks.fast} ]; do sleep 0.01; done; echo done > ${marks.slow}`,
        timeout: '20',
      }),
    ])
    kit.jail('fast', [action('x', { actionban: `[ ! -e ${marks.slow} ] && echo done > ${marks.fast}` })])
    kit.ban('slow', id)
    kit.ban('fast', id)
    await kit.settled()
    assert(existsSync(marks.fast) && existsSync(marks.slow))
    assert.deepEqual(kit.logged, [])
  })

  it('empties 100,000 bans with one command where the action has one', async () => {
    const { ran, run } = recorder()
    const kit = new ActionKit()
    const jail = kit.jail(
      'jail',
      [action('x', { actionban: 'ban <ip>', actionunban: 'unban <ip>', actionflush: 'flush', actionstop: 'stop' })],
      { run },
    )
    kit.ban('jail', id)
    await jail.settled()
    const bans = Array.from({ length: 100_000 }, (_, i) => banOf({ id: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}` }))
    let told = 0
    await jail.stop(bans, { told: () => told++ })
    assert.deepEqual(ran, [`ban ${id}`, 'flush', 'stop'])
    assert.equal(told, 100_000)
    assert.deepEqual(kit.logged, ['NOTICE actions [jail] Flush ticket(s) with x'])
  })

  it('keeps only the last state of each id when too much waits, and loses no unban', async () => {
    const { ran, run } = recorder()
    const kit = new ActionKit()
    let release = () => {}
    const slow = new Promise<void>((resolve) => {
      release = resolve
    })
    const jail = kit.jail('jail', [action('x', { actionban: 'ban <ip>', actionunban: 'unban <ip>' })], {
      waitingMax: 2,
      run: (argv) => slow.then(() => run(argv)),
    })
    for (const who of ['a', 'b', 'c']) kit.ban('jail', who)
    await new Promise(setImmediate) // the first is on its way now
    kit.ban('jail', 'd')
    kit.unban('jail', 'd') // never made
    kit.unban('jail', 'a')
    kit.ban('jail', 'a')
    kit.ban('jail', 'e')
    release()
    await jail.settled()
    assert.deepEqual(ran, ['ban a', 'ban b', 'ban c', 'unban a', 'ban a', 'ban e'])
    assert.deepEqual(kit.logged, [
      'WARNING actions [jail] 2 bans and unbans wait for its actions, of what comes now only the last state of each id is kept',
      'NOTICE actions [jail] Its actions have caught up; 1 bans ended before their turn came',
    ])
  })

  it('does not send old news of restored bans, nor prolongs by actions that cannot', async () => {
    const { ran, run } = recorder()
    const kit = new ActionKit()
    const jail = kit.jail(
      'jail',
      [
        action('mail', { actionban: 'mail <ip>', norestored: 'true' }),
        action('set', { actionban: 'add <ip> <time>', actionprolong: 'prolong <ip> <bantime>' }),
      ],
      { run },
    )
    kit.ban('jail', id, { startMs: 1795225800_000 }, true)
    jail.prolonged(banOf({ id, durationMs: undefined }))
    await jail.settled()
    assert.deepEqual(ran, [`add ${id} 1795225800`, `prolong ${id} -1`])
  })

  it('knows at the unban whom it has banned, also when nobody else does any more', async () => {
    const { ran, run } = recorder()
    const kit = new ActionKit()
    const jail = kit.jail('jail', [action('x', { actionban: 'ban <ip>', actionunban: 'unban <ip> <F-USER> <fid>' })], {
      run,
    })
    kit.ban('jail', 'bob', { data: { ip: id, user: 'bob', other: 'x' } })
    await jail.settled()
    // An unban by hand deletes the ban from the store first.
    kit.unban('jail', 'bob')
    await jail.settled()
    assert.deepEqual(ran, [`ban ${id}`, `unban ${id} bob bob`])
  })

  it('stops at once when it is abandoned', async () => {
    const kit = new ActionKit()
    const jail = kit.jail('jail', [action('x', { actionban: 'sleep 60', actionunban: 'sleep 60' })])
    kit.ban('jail', id)
    kit.ban('jail', '203.0.113.8')
    await new Promise(setImmediate)
    jail.abandon()
    await jail.settled()
    assert.equal(jail.waiting, 0)
  })

  it('goes on when the store cannot be read', async () => {
    const { ran, run } = recorder()
    const kit = new ActionKit()
    const fail = () => {
      throw new Error('disk I/O error')
    }
    const world = {
      figures: fail,
      banTimeMs: () => undefined,
      hostOf: fail,
      history: fail,
      lastOf: fail,
      othersHolding: () => [],
    }
    const jail = kit.jail('jail', [action('x', { actionban: 'ban <ip> <ipfailures>', actionunban: 'unban <ip>' })], {
      run,
      world,
    })
    kit.ban('jail', id)
    kit.unban('jail', id)
    await jail.settled()
    assert.deepEqual(ran, [`ban ${id} 3`, `unban ${id}`])
  })
})
