import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { describe, it } from 'node:test'
import { runChild } from '../lib/child.js'
import { ActionKit, action, banOf, freshFile as fresh, recorder } from './action-kit.js'

const id = '203.0.113.7'

describe('an action', () => {
  it('takes a minute for a time-out that is no time, and says so', async () => {
    const { ran, run } = recorder()
    const kit = new ActionKit()
    kit.jail('jail', [action('x', { actionban: 'ban <ip> <timeout>', timeout: 'soon' })], { run })
    kit.ban('jail', id)
    await kit.settled()
    assert.deepEqual(ran, [`ban ${id} 60`])
    assert.deepEqual(kit.logged, [`ERROR actions [jail] action 'x': timeout "soon" is not a time; it is 60 seconds`])
  })

  it('repairs what somebody else has broken, at the first failure', async () => {
    const [set, log] = [fresh(), fresh()]
    const kit = new ActionKit()
    const jail = kit.jail('jail', [
      action('x', {
        actionstart: `echo start >> ${log}; touch ${set}`,
        actionstop: `echo stop >> ${log}; rm -f ${set}`,
        actioncheck: `[ -e ${set} ]`,
        actionban: `[ -e ${set} ] && echo <ip> >> ${set}`,
      }),
    ])
    await jail.start()
    kit.ban('jail', id)
    await jail.settled()
    rmSync(set)
    kit.ban('jail', '203.0.113.8')
    await jail.settled()
    assert.equal(readFileSync(set, 'utf8'), '203.0.113.8\n')
    assert.equal(readFileSync(log, 'utf8'), 'start\nstop\nstart\n')
    assert(kit.logged.includes('ERROR CommandAction Invariant check failed. Trying to restore a sane environment'))
    assert.equal(jail.trouble, undefined)
    // The first one was lost with the set; he is banned again when he is seen again.
    jail.repeated(banOf({ id }), 1000)
    await jail.settled()
    assert.equal(readFileSync(set, 'utf8'), `203.0.113.8\n${id}\n`)
    assert(kit.logged.includes(`NOTICE actions [jail] Reban ${id}, action 'x'`))
    jail.repeated(banOf({ id }), 1000)
    await jail.settled()
    assert.equal(readFileSync(set, 'utf8'), `203.0.113.8\n${id}\n`)
  })
})

it('a definition that leads back to itself runs nothing and is told', async () => {
  const kit = new ActionKit()
  const jail = kit.jail('jail', [action('x', { actionstart: 'echo <a>', actionban: 'echo <a>', a: '<b>', b: '<a>' })], {
    run: runChild,
  })
  await jail.start()
  kit.ban('jail', id)
  await kit.settled()
  assert.match(
    kit.logged[0] ?? '',
    /^ERROR actions Failed to start jail 'jail' action 'x': Error starting action Jail\('jail'\)\/x: ValueError\('properties contain self referencing definitions/,
  )
  assert.match(
    kit.logged[1] ?? '',
    /^ERROR actions Failed to execute ban jail 'jail' action 'x' .*: properties contain self referencing/,
  )
})
