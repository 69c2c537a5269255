import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { House, onlySshd } from './kit/daemon-kit.js'

const group = 54_321
const skip = process.getuid?.() === 0 ? false : 'needs root, to become somebody else'
/** Node asks the socket, as somebody who is nobody here but for this group. */
const script = `
process.setgroups([]); process.setgid(Number(process.argv[1])); process.setuid(54322)
const [, , socketPath, method, path, body] = process.argv
const call = require('node:http').request({ socketPath, path, method }, (answer) => { answer.resume(); console.log(answer.statusCode) })
call.on('error', (error) => console.log(error.code)); call.end(body === '' ? undefined : body)`

describe('a member of [api] group', { skip }, () => {
  it('may look, ban and unban, and nothing else; others may not even knock', async () => {
    const house = new House({ jails: onlySshd(), own: `[api]\ngroup = ${group}\n` })
    chmodSync(house.dir, 0o755)
    await house.serve('--simulate')
    const socket = house.socket
    chmodSync(path.dirname(socket), 0o755)
    const asks = (gid: number, method: string, place: string, body = '') =>
      spawnSync(process.execPath, ['-e', script, String(gid), socket, method, place, body], {
        encoding: 'utf8',
      }).stdout.trim()
    const ips = ['203.0.113.5']
    assert.equal(asks(group, 'GET', '/v1/status'), '200')
    assert.equal(asks(group, 'POST', '/v1/bans', JSON.stringify({ ips })), '200')
    assert.equal(asks(group, 'POST', '/v1/bans', JSON.stringify({ ips: ['127.0.0.1'], force: true })), '403')
    assert.equal(asks(group, 'POST', '/v1/unban', JSON.stringify({ ips })), '200')
    for (const place of ['/v1/reload', '/v1/stop', '/v1/resume'])
      assert.equal(asks(group, 'POST', place, '{}'), '403', place)
    assert.equal(asks(group + 1, 'GET', '/v1/status'), 'EACCES')
    assert.equal((await house.tocsin('reload')).exitCode, 0, 'root may')
  })
})
