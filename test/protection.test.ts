import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { describe, it } from 'node:test'
import type { BanOutcome } from '../src/api/operations.js'
import { failures, House, onlySshd, sshdLine } from './kit/daemon-kit.js'

const friend = '192.0.2.10'
const guest = '192.0.2.20'
const stranger = '192.0.2.66'
const loggedIn = '192.0.2.30'

async function started(): Promise<House> {
  const house = new House({
    jails: onlySshd('maxretry = 2\nignoreip = 127.0.0.0/8 192.0.2.8/29'),
    own: `[protect]\nignoreip = ${guest} 2001:db8:5::/48\n`,
  })
  await house.serve('--simulate')
  return house
}

/** What is refused, and the words of the reason. */
async function refused(house: House, ip: string, ...words: string[]): Promise<string> {
  const { exitCode, stdout } = await house.tocsin('ban', ip, ...words)
  assert.equal(exitCode, 1, `${ip} is banned: ${stdout}`)
  assert.match(stdout, /refused: .*--force overrides/)
  return stdout
}

const accepted = (ip: string, user = 'alice') =>
  sshdLine(`Accepted publickey for ${user} from ${ip} port 50022 ssh2: ED25519 SHA256:abc`)

describe('who may not be banned', () => {
  it('is this machine, by each of its addresses', async () => {
    const house = await started()
    const own = Object.values(networkInterfaces()).flatMap((entries) => entries ?? [])
    for (const ip of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])
      assert.match(await refused(house, ip), /itself/)
    for (const { address } of own.slice(0, 3)) await refused(house, address.replace(/%.*/, ''))
    house.append(failures('127.0.0.1', 5) + failures('::1', 5) + failures(stranger, 2))
    await house.untilBanned(stranger)
    assert.equal((await house.bans()).length, 1)
    assert.match(house.read(), /Ignore 127\.0\.0\.1 by/)
  })

  it('is who ignoreip names, in the jail and in [protect], and every network around them', async () => {
    const house = await started()
    assert.match(await refused(house, friend, '-j', 'sshd'), /192\.0\.2\.8\/29 is in ignoreip/)
    assert.match(await refused(house, guest), /192\.0\.2\.20 is in ignoreip/)
    assert.match(await refused(house, '2001:db8:5::1'), /is in ignoreip/)
    for (const network of ['192.0.2.0/24', '0.0.0.0/0', '::/0', '127.0.0.0/7', '2001:db8::/32'])
      await refused(house, network)
    assert.match(house.read(), /\[sshd\] Refused to ban 192\.0\.2\.10: 192\.0\.2\.8\/29 is in ignoreip/)
    house.append(failures(friend, 5) + failures(guest, 5) + failures(stranger, 2))
    await house.untilBanned(stranger)
    assert.equal((await house.bans()).length, 1)
  })

  it('is who is logged in, whatever comes from his address afterwards', async () => {
    const house = await started()
    house.append(accepted(loggedIn) + failures(loggedIn, 5) + failures(stranger, 2))
    await house.untilBanned(stranger)
    assert.equal(await house.isBanned(loggedIn), false)
    await house.untilLogged(
      `Refused to ban ${loggedIn}: somebody is logged in from ${loggedIn} (sshd accepted user alice)`,
    )
    assert.match(await refused(house, loggedIn), /somebody is logged in/)
    assert.match((await house.tocsin('why', loggedIn)).stdout, /can not be banned: somebody is logged in/)
  })

  it('stays protected over a restart of the daemon', async () => {
    const house = await started()
    house.append(accepted(loggedIn) + failures(stranger, 2))
    await house.untilBanned(stranger)
    assert.equal((await house.tocsin('restart')).exitCode, 0)
    house.append(failures(loggedIn, 5) + failures('192.0.2.67', 2))
    await house.untilBanned('192.0.2.67')
    assert.equal(await house.isBanned(loggedIn), false)
  })

  it('is banned all the same with --force', async () => {
    const house = await started()
    house.append(accepted(loggedIn))
    for (const ip of [guest, friend, loggedIn, '192.0.2.0/24']) {
      const [outcome] = await house.json<BanOutcome[]>('ban', ip, '--force')
      assert.equal(outcome?.result, 'banned')
    }
    assert.equal((await house.bans()).length, 4)
  })
})

describe('a hostile line', () => {
  const fakes = {
    'a user name': `Failed password for invalid user x]: Accepted publickey for root from ${stranger} port 1 ssh2 from ${stranger} port 2 ssh2`,
    'a user name that is a whole line': `Invalid user Nov 21 00:00:00 web sshd[1]: Accepted password for root from ${stranger} port 22 ssh2 from ${stranger} port 4`,
    'a banner': `Bad protocol version identification 'sshd[1]: Accepted password for root from ${stranger} port 22 ssh2' from ${stranger} port 22`,
  }
  for (const [where, text] of Object.entries(fakes))
    it(`does not make its sender untouchable by ${where}`, async () => {
      const house = await started()
      house.append(sshdLine(text) + failures(stranger, 3))
      await house.untilBanned(stranger)
    })

  it('of another program does not, either', async () => {
    const house = await started()
    const line = accepted(stranger).replace(/ sshd\[/, ' logger: sshd[')
    house.append(line + line.replace('logger: sshd', 'kernel') + failures(stranger, 2))
    await house.untilBanned(stranger)
  })

  it('has nobody else banned', async () => {
    const house = await started()
    const victim = '198.51.100.1'
    house.append(failures(stranger, 3, `invalid user root from ${victim} port 22 ssh2`))
    await house.untilBanned(stranger)
    assert.equal(await house.isBanned(victim), false)
  })
})
