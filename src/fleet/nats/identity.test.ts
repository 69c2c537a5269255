import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { makeAuthority } from './certificates.js'
import { authorityOf, serverIdentity, userJwt } from './identity.js'
import { ServerKit, withoutServer } from './server-kit.js'

describe('a real nats-server', { skip: withoutServer }, () => {
  const kit = new ServerKit()
  const connections: NatsConnection[] = []
  const connected = async (...args: Parameters<typeof kit.user>) => {
    const connection = await connect(kit.user(...args).options)
    connections.push(connection)
    return connection
  }
  before(() => kit.start())
  after(async () => {
    for (const connection of connections) await connection.close()
    await kit.close()
  })

  it('lets a node tell in its own name, and in nobody else', async () => {
    const [alice, bob] = [await connected('alice'), await connected('bob')]
    const heard: string[] = []
    bob.subscribe('bans.>', { callback: (_, message) => void heard.push(message.subject) })
    bob.subscribe('call.*', { callback: (_, message) => void heard.push(message.subject) })
    bob.subscribe('answer.bob.*', { callback: (_, message) => void heard.push(message.subject) })
    bob.subscribe('ctl.>', { callback: (_, message) => void heard.push(message.subject) })
    await bob.flush()
    const foreign = [
      'bans.bob.4.203.0.113.1',
      'ctl.mode',
      'ctl.revoke.bob',
      'hb.bob',
      'sight.all.bob',
      'head',
      'call.bob',
      'answer.alice.bob',
    ]
    for (const subject of [...foreign, '$JS.API.STREAM.DELETE.BANS', '$JS.API.STREAM.PURGE.BANS'])
      alice.publish(subject)
    const own = ['bans.alice.4.203.0.113.1', 'call.alice', 'answer.bob.alice']
    for (const subject of own) alice.publish(subject)
    await alice.flush()
    await bob.flush()
    assert.deepEqual(heard, own)
  })

  it('lets nobody listen to the answers of another', async () => {
    const carol = await connected('carol')
    for (const subject of ['_I.bob.>', 'answer.bob.*', 'answer.>']) {
      const refusal = new Promise<Error>((resolve) => {
        carol.subscribe(subject, { callback: (error) => void (error && resolve(error)) })
      })
      assert.match((await refusal).message, /Permissions Violation/)
    }
  })

  it('lets a node read what is kept, and the hub tell for the operator', async () => {
    const [dora, hub] = [await connected('dora'), await connected('hub', 'hub')]
    assert.match((await dora.request('$JS.API.INFO')).string(), /account_info_response/)
    const heard = new Promise<string>((resolve) => {
      dora.subscribe('ctl.mode', { callback: (_, message) => resolve(message.subject) })
    })
    await dora.flush()
    hub.publish('ctl.mode')
    assert.equal(await heard, 'ctl.mode')
  })

  it('refuses who has no card, a card of another fleet, or a card made by itself', async () => {
    const { options } = kit.user('eve')
    const { authenticator: _, ...bare } = options
    await assert.rejects(connect(bare), /Authorization/i)
    const other = new ServerKit()
    const stranger = other.user('eve').options
    await assert.rejects(connect({ ...options, authenticator: stranger.authenticator }), /Authorization/i)
    await other.close()
    const { brokerKey } = kit.user('eve')
    const forged = authorityOf(Buffer.alloc(32, 1))
    const own = userJwt(
      { ...forged, account: kit.authority.account },
      { name: 'eve', role: 'hub', brokerKey, nowMs: Date.now() },
    )
    const authenticator = (nonce?: string) => ({ ...options.authenticator(nonce), jwt: own })
    await assert.rejects(connect({ ...options, authenticator }), /Authorization/i)
  })

  it('is not believed with a certificate of another authority', async () => {
    const ca = makeAuthority({ fleet: kit.fleet, nowMs: Date.now() }).certificate
    await assert.rejects(connect({ ...kit.user('frank').options, tls: { ca } }), /certificate/i)
  })

  it('has the same operator in every configuration, or it would not reload', () => {
    const [one, two] = [1, 60_000].map((nowMs) =>
      serverIdentity(kit.authority, { fleet: kit.fleet, revoked: [], foundedMs: 5000, nowMs }),
    )
    assert.equal(one?.operatorJwt, two?.operatorJwt)
    assert.notDeepEqual(one?.accountJwts, two?.accountJwts)
  })

  it('cuts off whose card is revoked, and goes on with the others', async () => {
    const { brokerKey, options } = kit.user('grace')
    const grace = await connect(options)
    kit.writeConfig([{ brokerKey, atMs: Date.now() }])
    assert(kit.server?.reload())
    assert.match(String(await grace.closed()), /Revoked/)
    assert.match(String(await refusalOf(options)), /Authorization/i)
    await (await connected('heidi')).flush()
    assert(
      connections.every((connection) => !connection.isClosed()),
      'the others stay connected',
    )
  })
})

/** Why the broker refuses it. It says so and hangs up: when our own next words meet the closed door, its last ones may be lost, and it is asked again. */
async function refusalOf(options: Parameters<typeof connect>[0]): Promise<unknown> {
  for (let tries = 0; ; tries++) {
    const error = await connect(options).then(
      () => assert.fail('it is let in'),
      (reason: unknown) => reason,
    )
    if (tries === 10 || !/ECONNRESET|EPIPE/.test(String(error))) return error
  }
}
