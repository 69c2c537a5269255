import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { Network } from '../src/firewall/own-network.js'
import { banOnce } from './kit/ban-once.js'
import { failures, House, onlySshd, sshdLine } from './kit/daemon-kit.js'
import { TwoHosts, withoutNetwork } from './kit/two-hosts.js'
import { waitUntil } from './kit/wait-until.js'
import { ownClient } from './session/clients.js'

const repeater = '192.0.2.7'
const other = '192.0.2.8'

/** sshd bans at the third failure; the shipped recidive counts bans, here three of them. */
const withRecidive = (recidive = '') =>
  `${onlySshd('maxretry = 3\nbantime = 1h').replace('[recidive]\nenabled = false', '')}
[recidive]
enabled = true
maxretry = 3
${recidive}
`

describe('a jail that counts bans', () => {
  it('bans for a week on every port whoever was banned often, and nobody else, without a log', async () => {
    const house = new House({ jails: withRecidive() })
    await house.serve('--simulate')
    await banOnce(house, other)
    for (let time = 1; time <= 3; time++) await banOnce(house, repeater)
    await house.untilBanned(repeater, 'recidive')
    const [ban] = (await house.bans()).filter(({ jail }) => jail === 'recidive')
    assert.equal((ban?.endMs ?? 0) - (ban?.startMs ?? 0), 7 * 86_400_000)
    const { scope, totalFailed, sources } = await house.jail('recidive')
    assert.deepEqual([scope, totalFailed, sources], ['all ports', 4, []])
    assert.equal(await house.isBanned(other), false)
    assert.deepEqual((await house.why(repeater)).bans.find(({ jail }) => jail === 'recidive')?.lines, [
      ...new Array<string>(3).fill(`[sshd] Ban ${repeater}`),
    ])
  })

  it('counts neither its own bans, nor those by hand, nor those of the jails it is told to ignore', async () => {
    const second = '[other]\nenabled = true\nfilter = sshd\nlogpath = DIR/auth.log\nmaxretry = 3\n'
    const house = new House({ jails: withRecidive(`ignorejails = other\n${second}`) })
    await house.serve('--simulate')
    for (const jail of ['recidive', 'sshd', 'manual'])
      for (let time = 1; time <= 3; time++) {
        assert.equal((await house.tocsin('ban', other, ...(jail === 'manual' ? [] : ['-j', jail]))).exitCode, 0)
        assert.equal((await house.tocsin('unban', other, '-j', jail)).exitCode, 0)
      }
    house.append(failures(repeater, 3))
    await house.untilBanned(repeater, 'other')
    await house.untilLogged(`[recidive] Found ${repeater}`)
    assert.equal((await house.jail('recidive')).totalFailed, 1)
  })

  it('goes on counting after a restart, without counting anything twice', async () => {
    const more = [4, 6].map(
      (maxretry) =>
        `[at-${maxretry}]\nenabled = true\nfilter = sshd\nlogpath = DIR/auth.log\nmaxretry = ${maxretry}\nbantime = 1h\n`,
    )
    const house = new House({ jails: withRecidive(more.join('')) })
    await house.serve('--simulate')
    house.append(failures(repeater, 4) + failures(other, 4))
    for (const jail of ['sshd', 'at-4']) for (const ip of [repeater, other]) await house.untilBanned(ip, jail)
    await house.untilCounted(4, 'recidive')
    for (let time = 1; time <= 2; time++) assert.equal((await house.tocsin('restart')).exitCode, 0)
    assert.equal((await house.bans()).length, 4)
    house.append(failures(repeater, 6))
    await house.untilBanned(repeater, 'recidive')
    assert.equal(await house.isBanned(other, 'recidive'), false)
  })
})

describe('successregex', () => {
  const login = (ip: string, user: string) => sshdLine(`Accepted password for ${user} from ${ip} port 40022 ssh2`)
  const own = '[protect]\nsessions = no\n'

  it('forgives what the address has failed before it got in', async () => {
    const house = new House({ jails: onlySshd('maxretry = 3\nsuccessregex = %(known/accepted)s'), own })
    await house.serve('--simulate')
    house.append(failures(repeater, 2) + login(repeater, 'alice') + failures(repeater, 2) + failures(other, 3))
    await house.untilBanned(other)
    assert.equal(await house.isBanned(repeater), false)
    assert.match(house.read(), new RegExp(`\\[sshd\\] Forgive ${repeater}, success`))
    house.append(failures(repeater, 1))
    await house.untilBanned(repeater)
  })

  it('forgives only failures for the same user where that is asked for', async () => {
    const jails = onlySshd('maxretry = 4\nsuccessregex = %(known/accepted)s\nsuccessby = user')
    const house = new House({ jails, own })
    await house.serve('--simulate')
    house.append(failures(repeater, 2, 'alice') + failures(repeater, 2, 'root') + login(repeater, 'alice'))
    house.append(
      failures(other, 1, 'alice') + failures(other, 2, 'root') + login(other, 'alice') + failures(other, 2, 'bob'),
    )
    await house.untilBanned(other)
    await house.untilBanned(repeater)
    house.append(failures('192.0.2.9', 3, 'alice') + login('192.0.2.9', 'alice') + failures('192.0.2.9', 3))
    await house.untilCounted(4 + 5 + 6)
    assert.equal(await house.isBanned('192.0.2.9'), false)
  })

  it('is off unless it is asked for, and nobody forgives himself by his user name', async () => {
    const house = new House({ jails: onlySshd('maxretry = 3'), own })
    await house.serve('--simulate')
    house.append(failures(repeater, 2) + login(repeater, 'alice') + failures(repeater, 1))
    await house.untilBanned(repeater)
    const strict = new House({ jails: onlySshd('maxretry = 3\nsuccessregex = %(known/accepted)s'), own })
    await strict.serve('--simulate')
    strict.append(failures(repeater, 3, `invalid user Accepted password for x from ${repeater} port 1 ssh2`))
    await strict.untilBanned(repeater)
    assert.doesNotMatch(strict.read(), /Forgive/)
  })
})

const port = 2222
const otherPort = 8080

/** Real connections from a second network, which has many addresses. */
describe('a network of attackers', { skip: withoutNetwork }, () => {
  let hosts: TwoHosts
  const far6 = (n: number) => `2001:db8:5::${n}`
  const far4 = (n: number) => `198.51.100.${n}`

  before(async () => {
    const far = [2, 3, 4, 5].flatMap((n) => [far4(n), far6(n)])
    hosts = await TwoHosts.make(['192.0.2.2', '2001:db8::2', '2001:db8::3', ...far], [port, otherPort])
    await Network.current().ip('route add 198.51.100.0/24 dev outside', 'route add 2001:db8:5::/64 dev outside')
    for (const ip of [far4(5), far6(5), '2001:db8::2'])
      await waitUntil(() => hosts.connects(ip, port), `${ip} reaches us`)
  })

  const house = (options: string, own?: string) =>
    new House({
      jails: onlySshd(`port = ${port}\nbantime = 1h\n${options}`),
      ...(own !== undefined && { own }),
    })

  it('of IPv6 is one offender: all of it is shut out when its addresses together have failed enough', async () => {
    const shipped = house('maxretry = 3')
    const daemon = await shipped.serve()
    shipped.append(failures(far6(2)) + failures(far6(3)) + failures(far6(4)))
    await shipped.untilBanned('2001:db8:5::/64')
    await shipped.untilLogged('[sshd] Ban 2001:db8:5::/64')
    assert.equal(await hosts.connects(far6(5), port), false)
    assert.equal(await hosts.connects(far6(5), otherPort), true)
    assert.equal((await shipped.tocsin('unban', '2001:db8:5::/64')).exitCode, 0)
    assert.equal(await hosts.connects(far6(5), port), true)
    await daemon.end()
  })

  it('is let in by any of its addresses, whichever command is asked', async () => {
    const shipped = house('maxretry = 3')
    const daemon = await shipped.serve('--simulate')
    for (const words of [['unban'], ['set', 'sshd', 'unbanip']]) {
      shipped.append(failures(far6(2), 3))
      await shipped.untilBanned('2001:db8:5::/64')
      const { stdout } = await ownClient.run('fail2ban-client', ['-c', shipped.config, ...words, far6(9)])
      assert.equal(stdout, '1\n', words.join(' '))
      assert.deepEqual(await shipped.bans(), [])
    }
    await daemon.end()
  })

  it('that holds our own address is not shut out, but the offender in it is', async () => {
    const shipped = house('maxretry = 3')
    const daemon = await shipped.serve()
    shipped.append(failures('2001:db8::2', 3))
    await shipped.untilLogged('[sshd] Ban 2001:db8::2\n')
    assert.equal(await hosts.connects('2001:db8::2', port), false)
    assert.equal(await hosts.connects('2001:db8::3', port), true)
    assert.match(shipped.read(), /Refused to ban 2001:db8::\/64: .*2001:db8::1 is an address of this machine/)
    await daemon.end()
  })

  it('is shut out when enough of its members are, until an operator says otherwise', async () => {
    const shipped = house('maxretry = 1\nsubnet_escalate = 3 in 1h')
    const daemon = await shipped.serve()
    const network = '198.51.100.0/24'
    for (const n of [2, 3]) {
      shipped.append(failures(far4(n)))
      await shipped.untilLogged(`[sshd] Ban ${far4(n)}\n`)
    }
    assert.equal(await hosts.connects(far4(5), port), true)
    shipped.append(failures(far4(4)))
    await shipped.untilLogged(`[sshd] Ban ${network}`)
    assert.equal(await hosts.connects(far4(5), port), false)
    assert.equal(await hosts.connects(far4(5), otherPort), true)
    assert.match((await shipped.why(network)).bans[0]?.lines[0] ?? '', /3 members of 198\.51\.100\.0\/24 are banned/)

    assert.equal((await shipped.tocsin('unban', network)).exitCode, 0)
    for (const n of [96, 97, 98, 99]) shipped.append(failures(far4(n)))
    await shipped.untilLogged(`[sshd] Ban ${far4(99)}\n`)
    assert.equal(await shipped.isBanned(network), false)
    assert.equal(await hosts.connects(far4(5), port), true)
    await daemon.end()
  })

  it('is let in again when so many of its members are let out by hand that too few remain', async () => {
    const shipped = house('maxretry = 1', '[protect]\nsubnet_escalate = 2 in 1h for 1d\n')
    const daemon = await shipped.serve()
    shipped.append(failures(far4(2)) + failures(far4(3)))
    await shipped.untilLogged('[sshd] Ban 198.51.100.0/24')
    const [ban] = (await shipped.bans()).filter(({ ip }) => ip === '198.51.100.0/24')
    assert.equal((ban?.endMs ?? 0) - (ban?.startMs ?? 0), 86_400_000)
    assert.equal((await shipped.tocsin('unban', far4(2))).exitCode, 0)
    await shipped.untilFree('198.51.100.0/24')
    await waitUntil(() => hosts.connects(far4(5), port), 'its other addresses get in')
    await daemon.end()
  })

  it('is never shut out when somebody protected is in it', async () => {
    const shipped = house('maxretry = 1\nsubnet_escalate = 2 in 1h', `[protect]\nignoreip = ${far4(5)}\n`)
    const daemon = await shipped.serve()
    shipped.append(failures(far4(2)) + failures(far4(3)) + failures(far4(4)))
    await shipped.untilLogged('Refused to ban 198.51.100.0/24: 198.51.100.5 is in ignoreip')
    assert.equal(await hosts.connects(far4(5), port), true)
    await waitUntil(async () => !(await hosts.connects(far4(4), port)), 'its members are')
    await daemon.end()
  })
})
