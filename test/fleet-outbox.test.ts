import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { freePort } from '../src/fleet/nats/broker-kit.js'
import { withoutServer } from '../src/fleet/nats/server-kit.js'
import { Connection } from '../src/store/sqlite.js'
import { atTheEnd, failures, House, onlySshd } from './kit/daemon-kit.js'
import { waitUntil } from './kit/wait-until.js'

const jails = `${onlySshd('maxretry = 1')}[fleet]\nenabled = true\nbackend = fleet\nmaxretry = 1\nbantime = 30m\nbanaction = %(banaction_allports)s\n`
const addresses = (from: number, count: number) => Array.from({ length: count }, (_, n) => `198.51.100.${from + n}`)

function read(house: House, sql: string): Record<string, unknown>[] {
  const connection = new Connection(house.database, 1000)
  try {
    return connection.all(sql)
  } finally {
    connection.close()
  }
}

const bannedHere = (house: House) => read(house, "SELECT ip FROM bips WHERE jail = 'sshd'").map(({ ip }) => String(ip))

/** Kills it as soon as the first of a burst of bans is in the database. */
async function killAmidBurst(house: House, from: number, count: number): Promise<void> {
  const daemon = await house.serve('--simulate')
  const before = bannedHere(house).length
  house.append(
    addresses(from, count)
      .map((ip) => failures(ip))
      .join(''),
  )
  await waitUntil(() => bannedHere(house).length > before, 'a ban is in the database')
  await daemon.end('SIGKILL')
}

describe('a machine that is killed amid a burst of bans', () => {
  it('has a word for the others with each ban that it has kept, and none without one', async () => {
    const house = new House({ jails, own: '[fleet]\ntransport = nats\nurl = tls://127.0.0.1:9\n' })
    const made = await house.tocsin('fleet', 'init', '--yes', '--nats', 'tls://127.0.0.1:9', '--name', 'web1')
    assert.equal(made.exitCode, 0, made.stderr)
    for (const from of [1, 101]) {
      await killAmidBurst(house, from, 100)
      const told = read(house, 'SELECT text FROM tocsin_outbox').map(({ text }) => JSON.parse(String(text)).ip)
      assert.deepEqual(told.sort(), bannedHere(house).sort())
    }
  })

  it('tells each of them, once, when it is back, though the broker is killed amid that', {
    skip: withoutServer,
  }, async () => {
    const [hub, web1] = [new House({ jails }), new House({ jails })]
    const listen = `127.0.0.1:${await freePort()}`
    const made = await hub.tocsin('fleet', 'init', '--yes', '--listen', listen, '--name', 'hub', '--fleet', 'test')
    assert.equal(made.exitCode, 0, made.stderr)
    const hubDaemon = await hub.serve('--simulate')
    atTheEnd(() => hubDaemon.end())
    const { stdout } = await hub.tocsin('fleet', 'invite', 'web1')
    assert.equal((await web1.tocsin('fleet', 'join', stdout.trimEnd().split('\n').at(-1) ?? '')).exitCode, 0)
    for (const from of [1, 81]) await killAmidBurst(web1, from, 80)
    const left = read(web1, 'SELECT text FROM tocsin_outbox').length
    const back = await web1.serve('--simulate')
    atTheEnd(() => back.end())
    await waitUntil(() => read(web1, 'SELECT text FROM tocsin_outbox').length < left, 'it has begun to tell them')
    const broker = Number(readFileSync(hub.at('config/fleet/nats-server.pid'), 'utf8'))
    // It answers nothing more, so what is banned now is on its way when it is killed.
    process.kill(broker, 'SIGSTOP')
    const late = addresses(161, 80)
    web1.append(late.map((ip) => failures(ip)).join(''))
    await waitUntil(() => late.every((ip) => bannedHere(web1).includes(ip)), 'the late ones are in the database')
    process.kill(broker, 'SIGKILL')
    assert(read(web1, 'SELECT text FROM tocsin_outbox').length >= late.length, 'there are words left to tell')
    const told = bannedHere(web1)
    for (const ip of told) await hub.untilBanned(ip, 'fleet')
    const bans = () => hub.read().match(/\[fleet\] Ban \S+/g) ?? []
    await waitUntil(() => new Set(bans()).size === told.length, 'the log has all of them')
    assert.equal(bans().length, told.length, 'nobody is banned twice')
  })
})
