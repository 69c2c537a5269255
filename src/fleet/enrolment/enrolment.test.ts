import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect as connectTcp, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { connect } from 'node:tls'
import { waitUntil } from '../../../test/kit/wait-until.js'
import type { Clock } from '../../lib/clock.js'
import { silentLog } from '../../lib/log.js'
import type { Level } from '../member.js'
import { keyPairOf, publicKeyOf } from '../message/key.js'
import { freePort } from '../nats/broker-kit.js'
import { pinOf } from '../nats/certificates.js'
import { ensureServerCertificate } from '../nats/managed.js'
import { brokerKeyPair, nkeyText } from '../nats/nkey.js'
import { Roster } from '../roster.js'
import { brokerAccess } from './broker-access.js'
import { EnrolServer } from './enrol-server.js'
import { joinRequest } from './exchange.js'
import { FleetDir, operatorName, publicTextOf } from './fleet-dir.js'
import { found } from './found.js'
import type { Invitation } from './invitation.js'
import { inviteLifeMs, makeInvite } from './invites.js'
import { join } from './join.js'
import { admit, certificatesIn, expel } from './membership.js'

const base = mkdtempSync(path.join(tmpdir(), 'tocsin-enrol-'))
let count = 0
const newDir = () => new FleetDir(path.join(base, String(++count)))

let nowMs = Date.now()
const clock: Clock = { now: () => nowMs, after: () => () => {} }

/** A machine where a fleet was made, and its door. */
async function newHub(fleet: string, itsClock = clock) {
  const dir = newDir()
  found(dir, { fleet, name: 'hub', url: 'tls://127.0.0.1:4722', nowMs })
  const listen = { host: '127.0.0.1', port: await freePort() }
  const certified = ensureServerCertificate(dir, { fleet, hosts: ['127.0.0.1'], nowMs })
  const joined: string[] = []
  const onEnrolled = ({ name }: { name: string }) => void joined.push(name)
  const door = new EnrolServer({ dir, certified, listen, log: silentLog, clock: itsClock, onEnrolled })
  await door.start()
  const invite = (name: string, level: Level = 'own'): Invitation => {
    const pin = pinOf(dir.authorityCertificate() ?? '')
    return { fleet, name, ...listen, pin, ...makeInvite(dir, { name, level }, nowMs) }
  }
  return { dir, door, listen, joined, invite }
}

after(() => rmSync(base, { recursive: true }))

describe('joining', () => {
  let hub: Awaited<ReturnType<typeof newHub>>
  before(async () => {
    hub = await newHub('test')
  })
  beforeEach(() => {
    nowMs = Date.now()
  })
  after(async () => {
    await hub.door.close()
  })

  it('makes the keys on the new machine, and tells who the operator is', async () => {
    const dir = newDir()
    const facts = await join(dir, hub.invite('web1'), nowMs)
    assert.deepEqual(
      { ...facts, sinceMs: 0, operatorKey: '' },
      {
        fleet: 'test',
        name: 'web1',
        role: 'node',
        url: 'tls://127.0.0.1:4722',
        operatorKey: '',
        sinceMs: 0,
      },
    )
    assert.equal(facts.operatorKey, publicTextOf(hub.dir.operatorSeed() ?? Buffer.alloc(32)))
    assert.equal(hub.dir.member('web1')?.key, publicTextOf(dir.nodeSeed()))
    assert.deepEqual(hub.joined, ['web1'])
    assert.match(brokerAccess(dir).credentials.jwt, /^[\w-]+\.[\w-]+\.[\w-]+$/)
    assert.deepEqual(brokerAccess(dir, 'tls://a:1,tls://b:2').servers, ['tls://a:1', 'tls://b:2'])
  })

  it('leaves files that nobody else can read', async () => {
    const dir = newDir()
    await join(dir, hub.invite('web2'), nowMs)
    for (const one of [dir, hub.dir])
      for (const file of readdirSync(one.path, { recursive: true, encoding: 'utf8' }))
        assert.equal(statSync(one.at(file)).mode & 0o077, 0, file)
    const seed = dir.nodeSeed().toString('base64url')
    for (const file of readdirSync(hub.dir.path, { recursive: true, encoding: 'utf8' }))
      if (statSync(hub.dir.at(file)).isFile()) assert(!readFileSync(hub.dir.at(file), 'utf8').includes(seed), file)
  })

  it('works once: another machine with the same token is refused, the same one may ask again', async () => {
    const invitation = hub.invite('web3')
    const dir = newDir()
    const { sinceMs } = await join(dir, invitation, nowMs)
    await assert.rejects(join(newDir(), invitation, nowMs), /used already, by another machine/)
    dir.remove('fleet.json') // As if the answer had been lost.
    nowMs += 1000
    assert.equal((await join(dir, invitation, nowMs)).sinceMs, sinceMs)
    expel(hub.dir, 'web3', nowMs)
    await assert.rejects(join(newDir(), invitation, nowMs), /used already, by another machine/)
  })

  it('works for one machine when there are two invitations for one name', async () => {
    const [first, second] = [hub.invite('web11'), hub.invite('web11')]
    await join(newDir(), first, nowMs)
    await assert.rejects(join(newDir(), second, nowMs), /There is a web11 in the fleet already, with another key/)
  })

  it('goes by the clock of who has invited, and says how wrong the own one is', async () => {
    const clocks: number[] = []
    const onClock = (aheadMs: number) => void clocks.push(aheadMs)
    for (const [i, aheadMs] of [2 * inviteLifeMs, -2 * inviteLifeMs].entries())
      await join(newDir(), hub.invite(`web1${2 + i}`), nowMs + aheadMs, { onClock })
    assert.deepEqual(clocks, [2 * inviteLifeMs, -2 * inviteLifeMs])
  })

  it('says of somebody who speaks no TLS what to look at', async () => {
    const other = createServer((socket) => socket.on('error', () => {}).end('220 mail.example ESMTP\r\n'))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    await assert.rejects(join(newDir(), { ...hub.invite('web15'), port }, nowMs), ({ message }: Error) => {
      assert.match(message, /^Cannot reach 127\.0\.0\.1:\d+: somebody answers there who does not speak TLS\. .*broker/)
      return !message.includes('\n')
    })
    other.close()
  })

  it('of a machine that was revoked needs new keys', async () => {
    const dir = newDir()
    await join(dir, hub.invite('web0'), nowMs)
    expel(hub.dir, 'web0', nowMs)
    await assert.rejects(join(dir, hub.invite('web0'), nowMs), /key of this machine was revoked; remove its directory/)
    dir.remove('fleet.json')
    await assert.rejects(join(dir, hub.invite('web0'), nowMs), /key of this machine was revoked/)
    nowMs += 1000
    await join(newDir(), hub.invite('web0'), nowMs)
    const former = hub.dir.member('web0')?.former.map(({ key }) => key)
    assert.deepEqual(former, [publicTextOf(dir.nodeSeed())])
    nowMs += 1000
    dir.remove('fleet.json')
    expel(hub.dir, 'web0', nowMs)
    await assert.rejects(join(dir, hub.invite('web0'), nowMs), /key of this machine was revoked/)
  })

  it('is over after an hour', async () => {
    const invitation = hub.invite('web4')
    nowMs += inviteLifeMs
    await assert.rejects(join(newDir(), invitation, nowMs), /expired \(.*\): ask for a new one/)
    await assert.rejects(join(newDir(), { ...invitation, expiresMs: nowMs + 1 }, nowMs), /may not join.*has expired/)
  })

  it('needs the secret, the name and the fleet that belong together', async () => {
    const invitation = hub.invite('web5')
    const refused = (change: Partial<Invitation>) => join(newDir(), { ...invitation, ...change }, nowMs)
    await assert.rejects(refused({ secret: 'x'.repeat(22) }), /secret of the invitation is wrong/)
    await assert.rejects(refused({ id: '0'.repeat(16) }), /no such invitation here/)
    await assert.rejects(refused({ name: 'web6' }), /is for web5, not for web6/)
    await assert.rejects(refused({ fleet: 'other' }), /is for the fleet other, this is test/)
    await join(newDir(), invitation, nowMs)
  })

  it('sends nothing to a machine whose certificate is another one', async () => {
    const other = await newHub('test')
    const invitation = { ...hub.invite('web7'), port: other.listen.port }
    await assert.rejects(join(newDir(), invitation, nowMs), /is not the machine that has invited us.*Nothing was sent/)
    assert.deepEqual(other.joined, [])
    await other.door.close()
    await assert.rejects(join(newDir(), invitation, nowMs), /Cannot reach 127\.0\.0\.1:\d+: .*ECONNREFUSED/)
  })

  it('is refused to a machine that is in another fleet', async () => {
    const other = await newHub('other')
    await assert.rejects(join(other.dir, hub.invite('web8'), nowMs), /is hub in the fleet other already/)
    await other.door.close()
  })

  it('is refused with a key that one does not have', async () => {
    const { fleet, id, secret, name } = hub.invite('web9')
    const [own, foreign] = [keyPairOf(Buffer.alloc(32, 1)), publicTextOf(Buffer.alloc(32, 2))]
    const brokerKey = nkeyText('user', brokerKeyPair(Buffer.alloc(32, 1)).publicKey)
    const request = joinRequest({ fleet, id, secret, name, key: foreign, brokerKey }, own)
    assert.match(await say(hub.listen, `${JSON.stringify(request)}\n`), /This is no request to join/)
  })

  it('is answered politely to nonsense, and not at all to a flood', async () => {
    assert.match(await say(hub.listen, 'GET / HTTP/1.1\n'), /"ok":false/)
    assert.equal(await say(hub.listen, 'x'.repeat(100_000)), '')
  })

  it('is not held up by strangers who connect and say nothing, nor is its end', { timeout: 20_000 }, async () => {
    const cuts: (() => void)[] = []
    const turned: Clock = {
      now: () => nowMs,
      after(_, task) {
        cuts.push(task)
        return () => {}
      },
    }
    const other = await newHub('silent', turned)
    const strangers = [await plainly(other.listen), await plainly(other.listen)]
    await waitUntil(() => cuts.length === 2, 'both are noticed')
    for (const cut of cuts.splice(0)) cut()
    await Promise.all(strangers.map(({ closed }) => closed))
    await join(newDir(), other.invite('web1'), nowMs)
    const { closed } = await plainly(other.listen)
    await other.door.close()
    await closed
  })

  it('is at the level that the invitation says, not at one that the machine wishes', async () => {
    await join(newDir(), hub.invite('partner1', 'partner'), nowMs)
    assert.equal(hub.dir.member('partner1')?.level, 'partner')
    const roster = new Roster({
      fleet: 'test',
      roots: new Map([[operatorName, keyPairOf(hub.dir.operatorSeed() ?? assert.fail()).publicKey]]),
    })
    for (const parcel of certificatesIn(hub.dir)) roster.apply(parcel)
    assert.equal(roster.memberOf('partner1')?.level, 'partner')
  })
})

describe('who is in', () => {
  const dir = newDir()
  found(dir, { fleet: 'roster', name: 'hub', url: 'tls://127.0.0.1:4722', nowMs })

  it('is told of as far as it can be read', () => {
    const odd = newDir()
    found(odd, { fleet: 'odd', name: 'hub', url: 'tls://127.0.0.1:4722', nowMs })
    rmSync(odd.at('members'), { recursive: true, force: true })
    writeFileSync(odd.at('members'), '')
    const damages: unknown[] = []
    assert.deepEqual(
      certificatesIn(odd, (error) => damages.push(error)),
      [],
    )
    assert.equal(damages.length, 1)
  })

  it('is signed so that every member can check it', () => {
    const operatorKey = publicKeyOf(dir.facts()?.operatorKey)
    assert(operatorKey !== undefined)
    const roster = new Roster({ fleet: 'roster', roots: new Map([[operatorName, operatorKey]]) })
    const brokerKey = nkeyText('user', brokerKeyPair(Buffer.alloc(32, 3)).publicKey)
    const web = { name: 'web', key: publicTextOf(Buffer.alloc(32, 3)), brokerKey, role: 'node', level: 'own' } as const
    admit(dir, web, nowMs)
    for (const parcel of certificatesIn(dir)) roster.apply(parcel)
    assert.equal(roster.memberOf('web')?.level, 'own')
    assert.equal(roster.memberOf('web')?.revokedAtMs, undefined)
    expel(dir, 'web', nowMs - 5000)
    for (const parcel of certificatesIn(dir).reverse()) roster.apply(parcel)
    assert.equal(roster.memberOf('web')?.revokedAtMs, 0)
    admit(dir, web, nowMs + 10)
    for (const parcel of certificatesIn(dir)) roster.apply(parcel)
    assert.equal(roster.memberOf('web')?.revokedAtMs, undefined)
  })

  it('does not change by a name that is none, or by the second time', () => {
    assert.throws(() => expel(dir, 'nobody', nowMs), /"nobody" is not in the fleet/)
    assert.throws(() => expel(dir, '../hub', nowMs), /is not in the fleet/)
    for (const name of ['', 'A', '../x', 'operator', 'x'.repeat(33)])
      assert.throws(() => makeInvite(dir, { name, level: 'own' }, nowMs), /Cannot invite/)
    assert.throws(() => makeInvite(dir, { name: 'hub', level: 'own' }, nowMs), /hub is in the fleet already/)
    assert.deepEqual(expel(dir, 'web', nowMs + 20), expel(dir, 'web', nowMs + 30))
  })
})

/** A connection without TLS. */
async function plainly({ host, port }: { host: string; port: number }): Promise<{ closed: Promise<unknown> }> {
  const socket = connectTcp({ host, port }).on('error', () => {})
  const closed = once(socket, 'close')
  await once(socket, 'connect')
  return { closed }
}

/** What a stranger hears who says this; nothing when he is cut off. */
function say({ host, port }: { host: string; port: number }, text: string): Promise<string> {
  return new Promise((resolve) => {
    let heard = ''
    const socket = connect({ host, port, rejectUnauthorized: false }, () => socket.write(text))
    socket.on('data', (piece) => {
      heard += piece.toString()
    })
    socket.on('error', () => {})
    socket.once('close', () => resolve(heard))
  })
}
