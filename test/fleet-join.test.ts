import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { brokerAccess } from '../src/fleet/enrolment/broker-access.js'
import { FleetDir } from '../src/fleet/enrolment/fleet-dir.js'
import { FleetHost } from '../src/fleet/enrolment/host.js'
import { readToken } from '../src/fleet/enrolment/invitation.js'
import { freePort } from '../src/fleet/nats/broker-kit.js'
import { brokerStateDir } from '../src/fleet/nats/managed.js'
import { withoutServer } from '../src/fleet/nats/server-kit.js'
import { findServerProgram } from '../src/fleet/nats/server-program.js'
import { type ChildResult, runChild } from '../src/lib/child.js'
import { systemClock } from '../src/lib/clock.js'
import { silentLog } from '../src/lib/log.js'
import { build, root } from './kit/build.js'
import { withoutRoot } from './kit/daemon-kit.js'
import { waitUntil } from './kit/wait-until.js'

const base = mkdtempSync(path.join(tmpdir(), 'tocsin-fleet-'))

/** A machine's configuration directory. */
function machine(name: string): string {
  const config = path.join(base, name, 'config')
  cpSync(path.join(root, 'config'), config, { recursive: true })
  mkdirSync(path.join(base, name, 'state'))
  const at = (file: string) => path.join(base, name, file)
  writeFileSync(
    path.join(config, 'fail2ban.local'),
    `[Definition]\nsocket = ${at('f.sock')}\npidfile = ${at('pid')}\ndbfile = ${at('state/bans')}\nlogtarget = ${at('log')}\n`,
  )
  return config
}

function fleet(config: string, ...words: string[]): Promise<ChildResult> {
  const argv = [process.execPath, path.join(root, 'bin/tocsin'), 'fleet', ...words, '-c', config]
  return runChild(argv, { timeoutMs: 40_000 })
}

async function good(config: string, ...words: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await fleet(config, ...words)
  assert.equal(exitCode, 0, stdout + stderr)
  return stdout
}

describe('three machines', { skip: withoutServer }, () => {
  const [hub, web1, web2] = [machine('hub'), machine('web1'), machine('web2')]
  const told: string[] = []
  const connections: NatsConnection[] = []
  let host: FleetHost
  let port: number

  const connected = async (config: string) => {
    const dir = new FleetDir(config)
    const { servers, tls, credentials } = brokerAccess(dir)
    const name = dir.facts()?.name
    const connection = await connect({
      servers: servers.map((url) => url.replace('tls://', '')),
      tls,
      inboxPrefix: `_I.${name}`,
      reconnect: false,
      authenticator: (nonce?: string) => ({
        jwt: credentials.jwt,
        nkey: '',
        sig: Buffer.from(credentials.sign(Buffer.from(nonce ?? ''))).toString('base64url'),
      }),
    })
    connections.push(connection)
    return connection
  }

  before(async () => {
    await build()
    port = await freePort()
    await good(hub, 'init', '--listen', `127.0.0.1:${port}`, '--name', 'hub', '--fleet', 'test', '--yes')
    const dir = new FleetDir(hub)
    await new Promise<void>((resolve, reject) => {
      host = new FleetHost({
        dir,
        stateDir: brokerStateDir(dir, path.join(base, 'hub/state/bans')),
        listen: { host: '127.0.0.1', port },
        enrol: { host: '127.0.0.1', port: port + 1 },
        log: silentLog,
        clock: systemClock,
        onCertificates: (parcels) => void told.push(...parcels.map(({ subject }) => subject)),
        onServerReady: resolve,
        onServerDown: (reason) => reject(new Error(reason)),
      })
      host.start().catch(reject)
    })
  })
  after(async () => {
    for (const connection of connections) await connection.close()
    await host?.close()
    rmSync(base, { recursive: true, force: true })
  })

  it('become a fleet by init, invite and join, and hear one another', async () => {
    for (const [name, config] of [
      ['web1', web1],
      ['web2', web2],
    ] as const) {
      const token = (await good(hub, 'invite', name)).trimEnd().split('\n').at(-1) ?? ''
      assert.match(await good(config, 'join', token), new RegExp(`This machine is ${name} in the fleet test`))
      assert.match(readFileSync(path.join(config, 'tocsin.local'), 'utf8'), /^\[fleet\]\ntransport = nats$/m)
    }
    const [one, two] = [await connected(web1), await connected(web2)]
    const heard = new Promise<string>((resolve) => {
      two.subscribe('bans.>', { callback: (_, { subject }) => resolve(subject) })
    })
    await two.flush()
    one.publish('bans.web1.4.203.0.113.9')
    assert.equal(await heard, 'bans.web1.4.203.0.113.9')
    const names = (await good(hub, 'members')).match(/^\w+/gm)
    assert.deepEqual(names, ['hub', 'web1', 'web2'])
    await waitUntil(() => told.includes('ctl.member.web2'), 'web2 was told of')
  })

  it('change nothing when it is all said again', async () => {
    const before = readFileSync(path.join(hub, 'fleet/operator.seed'), 'utf8')
    assert.match(await good(hub, 'init'), /was made already; nothing is changed/)
    assert.equal(readFileSync(path.join(hub, 'fleet/operator.seed'), 'utf8'), before)
    assert.equal(JSON.parse(await good(hub, 'init', '--json')).created, false)
    const { exitCode, stderr } = await fleet(web1, 'init')
    assert.equal(exitCode, 1)
    assert.match(stderr, /web1 in the fleet test already/)
  })

  it('are without one of them at once when it is revoked', async () => {
    const two = await connected(web2)
    assert.match(await good(hub, 'revoke', 'web2'), /web2 is revoked: the broker has cut it off/)
    assert.match(String(await two.closed()), /Revoked/)
    await assert.rejects(connected(web2), /Authorization/i)
    await (await connected(web1)).flush()
    await waitUntil(() => told.includes('ctl.revoke.web2'), 'the revocation was told')
    assert.match(await good(hub, 'members'), /^web2 .* revoked /m)
  })

  it('may use a broker that others run, with the configuration that is written for it', async () => {
    const config = machine('web8')
    await good(config, 'init', '--nats', 'tls://nats.example:4333', '--name', 'web8')
    assert.doesNotMatch(readFileSync(path.join(config, 'tocsin.local'), 'utf8'), /managed|listen/)
    const file = path.join(config, 'fleet/nats-server.conf')
    assert.match(readFileSync(file, 'utf8'), /^listen: "0\.0\.0\.0:4333"$/m)
    const { file: program } = await findServerProgram()
    const { exitCode, stderr } = await runChild([program, '-t', '-c', file], { timeoutMs: 10_000 })
    assert.equal(exitCode, 0, stderr)
    const { token } = JSON.parse(await good(config, 'invite', 'web1', '--json'))
    const { host, port } = readToken(token)
    assert.equal(port, 4723)
    assert.doesNotMatch(host, /^(?:0\.0\.0\.0|::)$/)
  })

  it('become one by a second init when the first one could not end', async () => {
    const config = machine('web10')
    // In the place of what is written last.
    mkdirSync(path.join(config, 'fleet'))
    writeFileSync(path.join(config, 'fleet/members'), '')
    const first = await fleet(config, 'init', '--name', 'web10', '--address', '[2001:db8::10]')
    assert.equal(first.exitCode, 1)
    assert.match(first.stderr, /Cannot read .*\/fleet\/members\/web10\.json: ENOTDIR/)
    rmSync(path.join(config, 'fleet/members'))
    assert.match(await good(config, 'init'), /the broker tls:\/\/\[2001:db8::10\]:4722/)
    assert.match(await good(config, 'members'), /^web10 +own /)
    assert.equal(readFileSync(path.join(config, 'tocsin.local'), 'utf8').split('[fleet]').length, 2)
    assert.ok(existsSync(path.join(config, 'fleet/nats-server.conf')))
    await good(config, 'invite', 'web11')
  })

  it('need a nats-server: an old one is told of, a missing one is named with the command that installs it', {
    skip: withoutRoot,
  }, async () => {
    const bin = path.join(base, 'bin')
    mkdirSync(bin)
    writeFileSync(path.join(bin, 'nats-server'), '#!/bin/sh\necho "nats-server: v2.8.0"\n', { mode: 0o755 })
    const init = (config: string, inNamespace: string) => {
      const words = `PATH=${bin}:$PATH; exec "$0" "$1" fleet init --name web12 --json -c "$2"`
      const argv = ['unshare', '-m', 'sh', '-c', `${inNamespace}${words}`]
      return runChild([...argv, process.execPath, path.join(root, 'bin/tocsin'), config], { timeoutMs: 40_000 })
    }
    const old = await init(machine('web12'), '')
    assert.equal(old.exitCode, 0)
    assert.equal(JSON.parse(old.stdout).created, true)
    assert.match(
      old.stderr,
      /^The broker is nats-server "2\.8\.0", which has known security holes: .*upgrade it to 2\.12/,
    )
    const { file } = await findServerProgram()
    const config = machine('web13')
    const missing = await init(config, `mount --bind /dev/null ${file} && rm ${bin}/nats-server && `)
    assert.equal(missing.exitCode, 1)
    assert.match(missing.stderr, /there is no program nats-server in .*; install it: apt-get install nats-server\n$/)
    assert.ok(!existsSync(path.join(config, 'fleet')) && !existsSync(path.join(config, 'tocsin.local')))
  })

  it('say in a sentence what cannot be done', async () => {
    const web9 = machine('web9')
    const cases: [string, string[], RegExp, number?][] = [
      [hub, ['revoke', 'nobody'], /"nobody" is not in the fleet/],
      [hub, ['revoke', 'hub'], /cannot be revoked/],
      [hub, ['invite', 'web1'], /web1 is in the fleet already/],
      [hub, ['invite', 'Web 3'], /"Web 3" cannot be a machine's name/, 2],
      [hub, ['invite', 'operator'], /"operator" cannot be a machine's name/, 2],
      [web1, ['invite', 'web3'], /There is no operator's key/],
      [web1, ['revoke', 'hub'], /There is no operator's key in .*: revoke where 'tocsin fleet init' was run/],
      [web2, ['join', 'tocsin-invite-abcdef'], /changed on its way, or is not whole/],
      [web9, ['init', '--listen', 'nonsense'], /--listen "nonsense" is no address/, 2],
      [web9, ['init', '--name', 'operator'], /--name "operator": .* not operator/, 2],
      [
        web9,
        ['init', '--address', '0.0.0.0'],
        /--address "0\.0\.0\.0" is neither .* where others find this machine/,
        2,
      ],
      [web9, ['init', '--address', '999.1'], /--address "999\.1" is neither/, 2],
      [web9, ['init', '--nats', 'tls://broker.example:99999'], /is no broker: write tls:\/\/HOST:PORT/, 2],
      [web9, ['init', '--nats', 'tls://broker.example:0'], /is no broker/, 2],
      [web9, ['init', '--nats', 'tls://me:secret@broker.example:4222'], /is no broker/, 2],
      [web9, ['init', '--nats', 'tls://broker.example:1', '--file', '/x'], /a broker or a file, one of the two/, 2],
    ]
    for (const [config, words, wanted, code = 1] of cases) {
      const { exitCode, stderr } = await fleet(config, ...words)
      assert.equal(exitCode, code, stderr)
      assert.match(stderr, wanted)
      assert.equal(stderr.trim().split('\n').length, 1, stderr)
    }
    assert(!existsSync(path.join(base, 'web9/config/fleet')))
  })
})
