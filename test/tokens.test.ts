import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { request as requestByTls } from 'node:https'
import { before, describe, it } from 'node:test'
import { freePort } from '../src/fleet/nats/broker-kit.js'
import { makeAuthority, makeServerCertificate } from '../src/fleet/nats/certificates.js'
import { House, tocsin } from './kit/daemon-kit.js'

interface Answer {
  status: number
  body: unknown
  headers: Record<string, unknown>
}

const victim = '203.0.113.9'

describe('a program with a token', () => {
  let house: House
  let port: number
  let token: string
  before(async () => {
    house = new House()
    port = await freePort()
    house.write('config/tocsin.local', `[api]\nlisten = 127.0.0.1:${port}\n`)
    const made = await tocsin('token', 'add', 'web-app', '-c', house.config, '--rate', '5', '--longest', '10m')
    token = made.stdout.trim().split('\n').at(-1) ?? ''
    await house.serve('--simulate')
  })

  function post(body: unknown, { secret = token, path = '/v1/bans', method = 'POST' } = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${secret}` }
      const call = request({ port, host: '127.0.0.1', path, method, headers }, (response) => {
        let text = ''
        response.on('data', (part) => {
          text += part
        })
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(text), headers: response.headers }),
        )
      })
      call.on('error', reject)
      call.end(method === 'GET' ? undefined : typeof body === 'string' ? body : JSON.stringify(body))
    })
  }

  it('bans an address, no longer than it may, and `why` names it', async () => {
    const { status, body } = await post({ ips: [victim], durationMs: 86_400_000 })
    assert.equal(status, 200)
    const [outcome] = body as { ip: string; jail: string; result: string; endMs: number }[]
    assert.deepEqual([outcome?.ip, outcome?.jail, outcome?.result], [victim, 'manual', 'banned'])
    assert.ok((outcome?.endMs ?? 0) <= Date.now() + 600_000)
    assert.match((await tocsin('why', victim, '-c', house.config)).stdout, /asked for with the token web-app/)
  })

  it('cannot ban who is protected, a network, or what is no address', async () => {
    const { status, body } = await post({ ips: ['127.0.0.1', '203.0.113.0/24', 'nobody; rm -rf /'] })
    assert.equal(status, 200)
    assert.deepEqual(
      (body as { result: string }[]).map(({ result }) => result),
      ['refused', 'refused', 'refused'],
    )
  })

  it('is stopped when it asks for too much, with nothing of it done', async () => {
    const { status, headers } = await post({ ips: ['198.51.100.1', '198.51.100.2', '198.51.100.3', '198.51.100.4'] })
    assert.equal(status, 429)
    assert.equal(headers['retry-after'], '60')
    assert.doesNotMatch((await tocsin('banned', '-c', house.config)).stdout, /198\.51\.100\./)
  })

  it('can do nothing else', async () => {
    for (const [method, path] of [
      ['GET', '/v1/status'],
      ['GET', '/v1/bans'],
      ['POST', '/v1/stop'],
      ['POST', '/v1/unban'],
    ] as const)
      assert.equal((await post({}, { method, path })).status, 404, `${method} ${path}`)
    assert.equal((await post({ ips: [victim], force: true })).status, 400)
    assert.equal((await post({ ips: [victim], jail: 'sshd' })).status, 400)
    assert.equal((await post('{')).status, 400)
    assert.equal((await post({ ips: ['x'.repeat(101)] })).status, 400)
  })

  it('is nobody with a wrong token, or one that was made void meanwhile', async () => {
    assert.equal((await post({ ips: [victim] }, { secret: 'tocsin-wrong' })).status, 401)
    assert.equal((await post({ ips: [victim] }, { secret: '' })).status, 401)
    const other = (await tocsin('token', 'add', 'other', '-c', house.config)).stdout.trim().split('\n').at(-1) ?? ''
    assert.equal((await post({ ips: ['203.0.113.10'] }, { secret: other })).status, 200)
    assert.equal((await tocsin('token', 'remove', 'other', '-c', house.config)).exitCode, 0)
    assert.equal((await post({ ips: ['203.0.113.11'] }, { secret: other })).status, 401)
  })

  it('is let in by no file that was spoilt, and by a mended one again', async () => {
    const file = house.at('config/tokens.json')
    const good = readFileSync(file, 'utf8')
    writeFileSync(file, good.replace('"perMinute"', '"perHour"'))
    assert.equal((await post({ ips: [victim] })).status, 500)
    await house.untilLogged(/tokens\.json: bans a minute of web-app/)
    writeFileSync(file, good)
    assert.equal((await post({ ips: [] })).status, 200)
  })

  it('leaves no secret in the file', () => {
    assert.doesNotMatch(readFileSync(house.at('config/tokens.json'), 'utf8'), new RegExp(token.slice(10)))
  })
})

it('is served by TLS where there is a certificate', async () => {
  const house = new House()
  const port = await freePort()
  const nowMs = Date.now()
  const authority = makeAuthority({ fleet: 'test', nowMs })
  const { certificate, key } = makeServerCertificate({ authority, fleet: 'test', hosts: ['127.0.0.1'], nowMs })
  house.write('config/server.pem', certificate + key)
  const files = `certificate = ${house.at('config/server.pem')}\n`
  house.write('config/tocsin.local', `[api]\nlisten = 0.0.0.0:${port}\n${files}`)
  await house.serve('--simulate')
  const call = requestByTls({ port, host: '127.0.0.1', path: '/v1/bans', method: 'POST', ca: authority.certificate })
  call.end('{}')
  const [response] = await once(call, 'response')
  assert.equal(response.statusCode, 401)
  response.resume()
})

it('a port that others reach needs a certificate', async () => {
  const house = new House()
  house.write('config/tocsin.local', '[api]\nlisten = 0.0.0.0:4724\n')
  const { exitCode, stdout, stderr } = await tocsin('check', '-c', house.config)
  assert.equal(exitCode, 255)
  assert.match(stdout + stderr, /listen 0\.0\.0\.0 can be reached by others, and there is no certificate/)
})
