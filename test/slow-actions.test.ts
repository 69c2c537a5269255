import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { enterOwnNetwork } from '../src/firewall/own-network.js'
import { failures, House, onlySshd } from './kit/daemon-kit.js'
import { waitUntil } from './kit/wait-until.js'

// Actions are run only where bans are real.
const withoutNetwork = (await enterOwnNetwork()) ?? false

const jails = (log: string) =>
  onlySshd(`maxretry = 3\nlogpath = DIR/${log}\naction = %(banaction)s[name=%(__name__)s]\n         hang`)
const hang = `[Definition]
actionban = echo "ban <ip>" >> DIR/ran; while [ ! -e DIR/go ]; do sleep 0.1; done
actionreload = echo reload >> DIR/ran
`

describe('commands that hang', { skip: withoutNetwork }, () => {
  it('do not hold up a reload, nor the new log, and go on with what is new when their turn comes', async () => {
    const house = new House({ jails: jails('auth.log') })
    house.write('config/action.d/hang.conf', hang)
    const daemon = await house.serve()
    house.append(failures('192.0.2.7', 3) + failures('192.0.2.8', 3))
    await waitUntil(() => house.read('ran') !== '', 'a command hangs')
    house.write('other.log', '')
    house.write('config/jail.local', jails('other.log'))
    assert.equal((await house.tocsin('reload')).exitCode, 0)
    assert.equal(house.read('ran'), 'ban 192.0.2.7\n')
    house.append(failures('192.0.2.9', 3), 'other.log')
    await house.untilBanned('192.0.2.9')
    house.write('go', '')
    await waitUntil(() => house.read('ran').includes('192.0.2.9'), 'the commands go on')
    assert.equal(house.read('ran'), 'ban 192.0.2.7\nban 192.0.2.8\nreload\nban 192.0.2.9\n')
    await daemon.end()
  })
})
