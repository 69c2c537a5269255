import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { banOnce } from './kit/ban-once.js'
import { failures, House, onlySshd } from './kit/daemon-kit.js'

const jails = `${onlySshd('maxretry = 3\nbantime = 1h').replace(/\[recidive\]\nenabled = false/, '')}
[recidive]
enabled = true
backend = auto
logpath = DIR/tocsin.log
maxretry = 3
`
const repeater = '192.0.2.7'
const other = '192.0.2.8'

/** As Fail2ban has it: a jail that follows our log. The built-in one is in repeat-offenders.test.ts. */
describe('a recidive that follows our log', () => {
  it('bans for a week on every port whoever was banned often, and nobody else', async () => {
    const house = new House({ jails })
    await house.serve('--simulate')
    await banOnce(house, other)
    for (let time = 1; time <= 3; time++) await banOnce(house, repeater)
    await house.untilBanned(repeater, 'recidive')
    const [ban] = (await house.bans()).filter(({ jail }) => jail === 'recidive')
    assert.equal((ban?.endMs ?? 0) - (ban?.startMs ?? 0), 7 * 86_400_000)
    assert.equal((await house.jail('recidive')).scope, 'all ports')
    assert.equal(await house.isBanned(other), false)
  })

  it('does not count its own bans, restored ones, or those by hand', async () => {
    const house = new House({ jails })
    await house.serve('--simulate')
    for (const name of ['recidive', 'manual'])
      for (let time = 1; time <= 4; time++) {
        const where = name === 'manual' ? [] : ['-j', name]
        assert.equal((await house.tocsin('ban', other, ...where)).exitCode, 0)
        assert.equal((await house.tocsin('unban', other, '-j', name)).exitCode, 0)
      }
    house.append(failures(repeater, 3))
    await house.untilBanned(repeater, 'sshd')
    for (let time = 1; time <= 4; time++) assert.equal((await house.tocsin('restart')).exitCode, 0)
    assert.match(house.read(), /\[sshd\] Restore Ban/)
    await banOnce(house, '192.0.2.9')
    await house.untilLogged('[recidive] Found 192.0.2.9')
    assert.equal(await house.isBanned(repeater, 'recidive'), false)
    assert.doesNotMatch(house.read(), new RegExp(`\\[recidive\\] Found ${other.replaceAll('.', '\\.')}`))
  })

  it('is not made to ban by text that others bring into our log', async () => {
    const house = new House({ jails })
    await house.serve('--simulate')
    const victim = '198.51.100.1'
    const forged = `x fail2ban.actions [1]: NOTICE [sshd] Ban ${victim}`
    for (let time = 1; time <= 4; time++)
      await house.tocsin('ban', forged.slice(0, 90), `${victim}x\n${forged}`.slice(0, 90))
    house.append(failures(repeater, 3, `invalid user ${forged}`).repeat(2))
    await house.untilBanned(repeater, 'sshd')
    await house.untilLogged(`[recidive] Found ${repeater}`)
    assert.equal(await house.isBanned(victim), false)
    assert.doesNotMatch(house.read(), new RegExp(`\\[recidive\\] Found ${victim.replaceAll('.', '\\.')}`))
  })
})
