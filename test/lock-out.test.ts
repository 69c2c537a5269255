import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import net from 'node:net'
import { before, describe, it } from 'node:test'
import { ask } from '../src/api/client.js'
import type { BanOutcome, ConfirmOutcome, ProtectedView, ResumeOutcome } from '../src/api/operations.js'
import { Network } from '../src/firewall/own-network.js'
import { atTheEnd, failures, House, onlySshd, sshdLine } from './kit/daemon-kit.js'
import { replace, withoutMounts } from './kit/own-mounts.js'
import { elementsOf, TwoHosts, withoutNetwork } from './kit/two-hosts.js'
import { utmpRecord } from './kit/utmp.js'
import { waitUntil } from './kit/wait-until.js'

/** Addresses of the other host: visitors of the site, and who is on the way to become something else. */
const visitors = Array.from({ length: 130 }, (_, n) => `192.0.2.${100 + n}`)
const stranger = '192.0.2.66'
const later = '192.0.2.77'
const port = 8080
const skip = withoutNetwork || withoutMounts

let hosts: TwoHosts
const server = Network.current()
before(async () => {
  if (skip) return
  hosts = await TwoHosts.make([...visitors, stranger, later], [22])
  const site = net.createServer((socket) => socket.on('error', () => {})).listen(port, '::')
  atTheEnd(() => site.close())
})

async function untilProtected(house: House, network: string): Promise<string> {
  let reason: string | undefined
  await waitUntil(async () => {
    const { protected: guarded } = await ask<ProtectedView>(house.socket, '/v1/protected')
    reason = guarded.find((one) => one.network === network)?.reason
    return reason !== undefined
  }, `${network} is protected`)
  return reason ?? ''
}

async function refused(house: House, ip: string): Promise<string> {
  const [outcome] = await ask<BanOutcome[]>(house.socket, '/v1/bans', { ips: [ip] })
  assert.deepEqual([outcome?.result, outcome?.canForce], ['refused', true], ip)
  return outcome?.reason ?? ''
}

describe('this machine is not cut off', { skip }, () => {
  it('from its gateways and resolvers, as they are now', async () => {
    const house = new House()
    await replace('/etc/resolv.conf', 'nameserver 127.0.0.53\n', house.dir)
    await replace('/run/systemd/resolve/resolv.conf', 'nameserver 198.51.100.53\n', house.dir)
    await server.ip('route add default via 192.0.2.66')
    await house.serve()
    assert.match(await refused(house, stranger), /192\.0\.2\.66 is the default gateway/)
    assert.match(await refused(house, '198.51.100.53'), /is a resolver of this machine \(\/run\/systemd/)
    assert.match(await refused(house, '198.51.100.0/24'), /is a resolver/)
    house.append(failures(stranger, 5) + failures(later, 3))
    await house.untilBanned(later)
    assert.equal(await house.isBanned(stranger), false)
    assert.equal(house.read().split(`Refused to ban ${stranger}`).length, 3, 'once for each jail')
    await server.ip(`route change default via ${later}`)
    await untilProtected(house, later)
    await house.untilFree(later)
    assert.match(
      house.read(),
      /192\.0\.2\.77 is banned, but now 192\.0\.2\.77 is the default gateway: the ban is lifted/,
    )
    await server.ip('route del default')
    await replace('/run/systemd/resolve/resolv.conf', '', house.dir)
    await house.tocsin('stop')
  })

  it('from an address that it gets while it runs, even if that is banned', async () => {
    const house = new House()
    await house.serve()
    const fresh = '198.51.100.7'
    await house.json('ban', '198.51.100.0/24', '--for', '1h', '--force')
    house.append(failures(fresh, 3) + failures('2001:db8:9::7', 3))
    await house.untilBanned('2001:db8:9::/64')
    await server.ip(`addr add ${fresh}/24 dev outside`, 'addr add 2001:db8:9::7/64 dev outside nodad')
    assert.match(await untilProtected(house, fresh), /is an address of this machine/)
    await house.untilFree(fresh)
    await house.untilFree('2001:db8:9::/64')
    assert.match(house.read(), /198\.51\.100\.0\/24 is banned, but now .*: the ban by hand stays/)
    assert.match(await refused(house, fresh), /is an address of this machine/)
    await server.ip(`addr del ${fresh}/24 dev outside`, 'addr del 2001:db8:9::7/64 dev outside')
    await house.tocsin('stop')
  })

  it('from who is logged in as utmp has it', async () => {
    const house = new House()
    const record = { type: 7, user: 'alice', line: 'pts/3', address: [192, 0, 2, 66], timeMs: Date.now() }
    await replace('/run/utmp', utmpRecord(record), house.dir)
    await house.serve()
    house.append(failures(stranger, 5) + failures(later, 3))
    await house.untilBanned(later)
    assert.equal(await elementsOf(stranger), 0)
    assert.ok(await hosts.connects(stranger, 22))
    await house.untilLogged(`somebody is logged in from ${stranger} (utmp: alice on pts/3)`)
    const { refused } = await house.json<ProtectedView>('protected')
    assert.deepEqual([refused[0]?.ip, refused[0]?.jail], [stranger, 'sshd'])
    await replace('/run/utmp', '', house.dir)
    await house.tocsin('stop')
  })
})

describe('a mistaken pattern', { skip }, () => {
  const web = `${onlySshd()}
[web]
enabled = true
backend = auto
filter =
failregex = ^<HOST> - -
maxretry = 1
logpath = DIR/access.log
port = ${port}
banaction = nftables-multiport
`
  const visit = (ip: string) =>
    `${ip} - - [${new Date().toUTCString().slice(5, 25).replace(/ /, '/').replace(/ /, '/').replace(/ /, ':')} +0000] "GET / HTTP/1.1" 200 5\n`

  it('does not shut out all who are connected', async () => {
    const house = new House({ jails: web })
    house.write('access.log', '')
    await house.serve()
    for (const ip of visitors) await hosts.open(ip, port)
    house.append(visitors.map(visit).join(''), 'access.log')
    await waitUntil(async () => (await house.jail('web')).totalFailed === visitors.length, 'every visit is seen')
    const { heldBack, currentlyBanned } = await house.jail('web')
    assert.equal(currentlyBanned, visitors.length / 2)
    assert.equal(heldBack?.count, visitors.length / 2)
    assert.match(house.read(), /ERROR +\[web\] New bans are held back: 66 of the 130 who are connected/)
    assert.match((await house.tocsin('status')).stdout, /web holds back: .*tocsin protected/)
    assert.ok(await hosts.connects(visitors.at(-1) ?? '', port))
    assert.equal(await hosts.connects(visitors[0] ?? '', port), false)
    // Other jails, and operators, are not concerned.
    house.append(failures(stranger, 3))
    await house.untilBanned(stranger)
    await house.json('ban', later, '-j', 'web')
    const { enforced } = (await house.json<ResumeOutcome>('resume', 'web')) as ResumeOutcome & { enforced: number }
    assert.equal(enforced, visitors.length / 2)
    assert.equal(await hosts.connects(visitors.at(-1) ?? '', port), false)
    await house.tocsin('stop')
  })

  it('is stopped by the number of its bans', async () => {
    const house = new House({ own: '[protect]\nbudget = 20\n', jails: onlySshd('maxretry = 1') })
    await house.serve('--simulate')
    house.append(Array.from({ length: 60 }, (_, n) => failures(`203.0.113.${n}`)).join(''))
    await house.untilCounted(60)
    assert.equal((await house.bans()).length, 20)
    const [held] = (await house.json<ProtectedView>('protected')).heldBack
    assert.deepEqual([held?.jail, held?.count, held?.ips.at(-1)], ['sshd', 40, '203.0.113.59'])
    assert.equal((await house.tocsin('resume', 'nginx')).exitCode, 1)
    // An unban takes effect on what is held back, too.
    await house.tocsin('unban', '203.0.113.59')
    await house.json('resume', 'sshd')
    assert.equal((await house.bans()).length, 59)
  })
})

describe('a ban on trial', { skip }, () => {
  const firstOf = async <T>(answer: Promise<T[]>): Promise<T> => (await answer)[0] ?? assert.fail('no answer')

  it('is undone even if the daemon is killed', async () => {
    const house = new House()
    const daemon = await house.serve()
    const { trial } = await firstOf(house.json<BanOutcome[]>('ban', stranger, '--for', '1h', '--confirm', '3s'))
    assert.notEqual(trial, undefined)
    assert.equal(await hosts.connects(stranger, 22), false)
    await daemon.end('SIGKILL')
    await waitUntil(() => hosts.connects(stranger, 22), 'the stranger is let in')
    await house.serve()
    assert.equal(await house.isBanned(stranger), false)
    await house.tocsin('stop')
  })

  it('lasts as it was meant to once it is confirmed, over a restart too', async () => {
    const house = new House()
    await house.serve()
    const { trial } = await firstOf(house.json<BanOutcome[]>('ban', stranger, '--permanent', '--confirm', '60s'))
    const confirmed = await firstOf(house.json<ConfirmOutcome[]>('confirm', `${trial?.number}`))
    assert.deepEqual([confirmed.ip, confirmed.endMs], [stranger, null])
    assert.equal((await house.tocsin('confirm', stranger)).exitCode, 1)
    assert.equal((await house.tocsin('restart')).exitCode, 0)
    assert.equal((await house.bans())[0]?.endMs, null)
    assert.equal(await hosts.connects(stranger, 22), false)
    await house.tocsin('stop')
  })

  it('leaves an earlier ban of the same address as it is until it is confirmed', async () => {
    const house = new House()
    await house.serve('--simulate')
    const [before] = await house.json<BanOutcome[]>('ban', stranger, '--for', '1h')
    const answer = await firstOf(house.json<BanOutcome[]>('ban', stranger, '--for', '5h', '--confirm', '60s'))
    assert.deepEqual([answer.result, answer.endMs], ['already', before?.endMs])
    assert.equal((await house.bans())[0]?.endMs, before?.endMs)
    const { endMs } = await firstOf(house.json<ConfirmOutcome[]>('confirm', stranger))
    assert.equal((await house.bans())[0]?.endMs, endMs)
    assert.ok((endMs ?? 0) > (before?.endMs ?? 0))
    // What would change nothing does not wait for anything.
    const shorter = await firstOf(house.json<BanOutcome[]>('ban', stranger, '--for', '2h', '--confirm', '60s'))
    assert.deepEqual([shorter.result, shorter.trial], ['already', undefined])
  })

  const withoutScript = existsSync('/usr/bin/script') ? false : 'needs the script command'
  it('is confirmed by Enter at a terminal', { skip: withoutScript }, async () => {
    const house = new House()
    await house.serve('--simulate')
    const typed = await house.atTerminal(['ban', stranger, '--for', '2h', '--confirm', '60s'], 'press Enter', '\n')
    assert.match(typed, /confirmed, banned for 2h/)
    assert.match(house.read(), /\[manual\] 192\.0\.2\.66 is confirmed/)
  })
})

describe('who comes through a proxy', { skip }, () => {
  it("is not banned by the proxy's address, of lists that change while it runs", async () => {
    const house = new House({ own: '[protect]\nproxies = 203.0.113.0/28 file:DIR/edge localhost\nprivate = yes\n' })
    house.write('edge', '# edge\n198.51.100.0/28\n')
    await house.serve('--simulate')
    for (const ip of ['203.0.113.3', '198.51.100.3', '198.51.100.0/24'])
      assert.match(await refused(house, ip), /in \[protect\] proxies.*X-Forwarded-For/)
    assert.match(await refused(house, '10.9.8.7'), /10\.0\.0\.0\/8 is private/)
    house.write('edge', '198.51.100.16/28\n')
    await untilProtected(house, '198.51.100.16/28')
    assert.match(await refused(house, '198.51.100.17'), /proxies/)
    assert.equal((await house.tocsin('ban', '198.51.100.3')).exitCode, 0)
    house.append(failures('203.0.113.3', 4) + sshdLine('x') + failures(later, 3))
    await house.untilBanned(later)
    assert.equal(await house.isBanned('203.0.113.3'), false)
  })
})
