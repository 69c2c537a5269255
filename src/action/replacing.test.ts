import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ActionKit, action, banOf, recorder, specOf } from './action-kit.js'

const id = '203.0.113.7'

describe('the actions of a running jail', () => {
  it('starts an action that a reload adds and bans by it who is banned now', async () => {
    const { ran, run } = recorder()
    const kit = new ActionKit()
    const one = action('one', {
      actionstart: 'start1',
      actionban: 'ban1 <ip>',
      actionunban: 'unban1 <ip>',
      actionstop: 'stop1',
      actionreload: 'reload1 <port>',
      port: '22',
    })
    const two = action('two', { actionstart: 'start2', actionban: 'ban2 <ip> <restored>' })
    const jail = kit.jail('jail', [one], { run })
    await jail.start()
    kit.ban('jail', id)
    await jail.replace(
      [specOf({ ...one, properties: [...one.properties, ['port', '80']] }), specOf(two)],
      [banOf({ id })],
    )
    assert.deepEqual(ran.splice(0), ['start1', `ban1 ${id}`, 'reload1 80', 'start2', `ban2 ${id} 1`])
    await jail.replace([specOf(two)], [banOf({ id })])
    assert.deepEqual(ran, [`unban1 ${id}`, 'stop1'])
    assert.deepEqual(jail.names(), ['two'])
  })

  it('takes other properties without running actionreload, and methods, at the word of an operator', async () => {
    const { ran, run } = recorder()
    const kit = new ActionKit()
    const first = action('x', {
      actionban: 'ban <ip> <port>',
      actionreload: 'reload',
      actionstop: 'stop <port>',
      port: '22',
    })
    const jail = kit.jail('jail', [first], { run })
    await jail.start()
    await jail.replace([specOf({ ...first, properties: [...first.properties, ['port', '80']] })], [], {
      isReload: false,
    })
    kit.ban('jail', id)
    await jail.settled()
    await jail.call('x', 'reload')
    await jail.call('x', 'stop')
    assert.deepEqual(ran, [`ban ${id} 80`, 'reload', 'stop 80'])
    assert.equal(jail.call('x', 'executeCmd'), undefined)
    assert.equal(jail.call('nobody', 'stop'), undefined)
  })
})
