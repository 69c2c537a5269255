import assert from 'node:assert/strict'
import { renameSync } from 'node:fs'
import { before, describe, it } from 'node:test'
import { Network } from '../src/firewall/own-network.js'
import { DaemonProcess, failures, House, onlySshd } from './kit/daemon-kit.js'
import { elementsOf, TwoHosts, table, withoutNetwork } from './kit/two-hosts.js'
import { waitUntil } from './kit/wait-until.js'

const port = 2222
const attacker = '192.0.2.2'
// In no namespace of ours, and so no address of whichever machine runs this.
const stranger = '203.0.113.7'
const innocent = '192.0.2.3'
const jails = onlySshd(`maxretry = 3\nport = ${port}\nbantime = 1h`)

describe('the life of a daemon', { skip: withoutNetwork }, () => {
  let hosts: TwoHosts

  before(async () => {
    hosts = await TwoHosts.make([attacker, innocent], [port])
    await waitUntil(() => hosts.connects(attacker, port), 'the networks are joined')
  })

  it('opens no gap in twenty restarts, whatever ends it, and shuts nobody else out', async () => {
    const house = new House({ jails })
    let daemon = await house.serve()
    house.append(failures(attacker, 3))
    await house.untilBanned(attacker)
    await waitUntil(async () => !(await hosts.connects(attacker, port)), 'he is shut out')
    const banned = hosts.keepTrying(attacker, port)
    const other = hosts.keepTrying(innocent, port)
    for (let time = 1; time <= 12; time++) {
      const { exitCode, stdout, stderr } = await house.tocsin('restart')
      assert.equal(exitCode, 0, stdout + stderr)
      await daemon.untilSaid('Ready;', time + 1)
    }
    // As a service manager does that has SIGUSR2 as its signal for a restart, and as nobody should.
    for (const signal of [
      'SIGUSR2',
      'SIGKILL',
      'SIGUSR2',
      'SIGKILL',
      'SIGUSR2',
      'SIGKILL',
      'SIGUSR2',
      'SIGKILL',
    ] as const) {
      assert.equal(await daemon.end(signal), signal === 'SIGUSR2' ? 0 : signal)
      daemon = await house.serve()
    }
    await banned.stop()
    await other.stop()
    assert.ok(banned.tried > 100)
    assert.equal(banned.made, 0)
    assert.equal(other.made, other.tried)
    assert.equal(await elementsOf(attacker), 1)
    assert.equal(await daemon.end(), 0)
  })

  const endings: [string, (house: House, signal: (name: NodeJS.Signals) => void) => unknown][] = [
    ['tocsin stop', (house) => house.tocsin('stop')],
    ['SIGTERM', (_house, signal) => signal('SIGTERM')],
    ['SIGINT', (_house, signal) => signal('SIGINT')],
  ]
  for (const [name, end] of endings)
    it(`lifts every ban with its table on ${name}, and enforces them again at the next start`, async () => {
      const house = new House({ jails })
      const first = await house.serve()
      house.append(failures(attacker, 3))
      await house.untilBanned(attacker)
      const bans = await house.bans()
      await end(house, (signal) => first.signal(signal))
      assert.equal(await first.ended, 0)
      assert.equal(await table(), undefined)
      assert.equal(await hosts.connects(attacker, port), true)
      assert.deepEqual(house.leftBehind(), [])
      const second = await house.serve()
      assert.deepEqual(await house.bans(), bans)
      assert.equal(await hosts.connects(attacker, port), false)
      assert.match(house.read(), /\[sshd\] Restore Ban 192\.0\.2\.2/)
      await second.end()
    })

  it('refuses a second daemon on the same directory, and the first goes on', async () => {
    const house = new House({ jails })
    const first = await house.serve()
    const second = await house.tocsin('serve')
    assert.equal(second.exitCode, 255)
    assert.match(second.stderr, /running already: it answers on .*tocsin\.sock/)
    assert.equal((await house.status()).pid, first.pid)
    assert.equal(house.read('run/tocsin.pid'), `${first.pid}\n`)
    house.append(failures(attacker, 3))
    await house.untilBanned(attacker)
    assert.equal(await hosts.connects(attacker, port), false)
    await first.end()
  })

  it('leaves neither socket, pid file nor table when its configuration is wrong', async () => {
    const wrong = [onlySshd('maxretry = lots'), onlySshd('filter = nowhere'), 'garbage\n']
    for (const text of wrong) {
      const house = new House({ jails: text })
      assert.equal((await house.tocsin('serve')).exitCode, 255)
      assert.deepEqual(house.leftBehind(), [])
      assert.equal(await table(), undefined)
    }
  })

  it('starts in the place of one that was killed, whose socket and pid file still lie there', async () => {
    const house = new House({ jails })
    await (await house.serve()).end('SIGKILL')
    assert.equal(house.leftBehind().length, 2)
    const next = await house.serve()
    assert.equal((await house.status()).pid, next.pid)
    await next.end()
  })

  it('runs beside another one in another network', async () => {
    const [here, there] = [new House({ jails }), new House({ jails })]
    const network = Network.another()
    const ours = await here.serve()
    const theirs = await network.within(() => there.serve())
    for (const house of [here, there]) house.append(failures(attacker, 3))
    for (const house of [here, there]) await house.untilBanned(attacker)
    await theirs.end()
    assert.equal(await network.within(table), undefined)
    assert.equal(await elementsOf(attacker), 1)
    assert.equal((await here.status()).bans.enforced, 1)
    await ours.end()
  })
})

describe('a signal', () => {
  it('SIGHUP applies the changed configuration', async () => {
    const house = new House({ jails })
    const daemon = await house.serve('--simulate')
    house.write('config/jail.local', onlySshd('maxretry = 7'))
    daemon.signal('SIGHUP')
    await waitUntil(async () => (await house.jail()).maxretry === 7, 'the jail has its new maxretry')
    assert.equal(await daemon.end(), 0)
  })

  it('SIGHUP with a wrong configuration changes nothing and says why in the log', async () => {
    const house = new House({ jails })
    const daemon = await house.serve('--simulate')
    house.write('config/jail.local', onlySshd('maxretry = lots'))
    daemon.signal('SIGHUP')
    await house.untilLogged(/jail\.local:\d+: .*maxretry/)
    assert.equal((await house.jail()).maxretry, 3)
    assert.equal(await daemon.end(), 0)
  })

  it('SIGUSR1 goes on in a new log file after a rotation', async () => {
    const house = new House({ jails })
    const daemon = await house.serve('--simulate')
    renameSync(house.log, house.at('tocsin.log.1'))
    daemon.signal('SIGUSR1')
    await waitUntil(() => house.read() !== '', 'there is a new log')
    house.append(failures(stranger, 3))
    await house.untilLogged(`[sshd] Ban ${stranger}`)
    assert.doesNotMatch(house.read('tocsin.log.1'), /NOTICE .*Ban/)
    assert.equal(await daemon.end(), 0)
  })

  it('SIGTERM during the start ends it in order, too', async () => {
    const house = new House({ jails })
    const daemon = new DaemonProcess(['serve', '-c', house.config, '--simulate'])
    await waitUntil(() => house.leftBehind().length > 0, 'it begins to start')
    assert.equal(await daemon.end(), 0)
    assert.deepEqual(house.leftBehind(), [])
  })

  it('of a second Ctrl-C does no harm', async () => {
    const house = new House({ jails })
    const daemon = await house.serve('--simulate')
    daemon.signal('SIGINT')
    daemon.signal('SIGINT')
    assert.equal(await daemon.ended, 0)
    assert.deepEqual(house.leftBehind(), [])
  })
})
