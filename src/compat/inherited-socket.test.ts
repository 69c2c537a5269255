import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inheritedSocket } from './inherited-socket.js'

describe('inheritedSocket', () => {
  const variables = { LISTEN_PID: '7', LISTEN_FDS: '3', LISTEN_FDNAMES: 'a:b:fail2ban', OTHER: 'x' }

  it('is the one of our name, else the first', () => {
    assert.equal(inheritedSocket({ ...variables }, 7), 5)
    assert.equal(inheritedSocket({ ...variables, LISTEN_FDNAMES: 'a:b:c' }, 7), 3)
    assert.equal(inheritedSocket({ LISTEN_PID: '7', LISTEN_FDS: '1' }, 7), 3)
  })

  it('is nobody else’s, and is not passed on', () => {
    assert.equal(inheritedSocket({ ...variables }, 8), undefined)
    assert.equal(inheritedSocket({}, 8), undefined)
    const env: NodeJS.ProcessEnv = { ...variables }
    inheritedSocket(env, 7)
    assert.deepEqual(env, { OTHER: 'x' })
  })
})
