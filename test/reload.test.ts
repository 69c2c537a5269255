import assert from 'node:assert/strict'
import { it } from 'node:test'
import { connectControl } from '../src/compat/control-client.js'
import { House, onlySshd } from './kit/daemon-kit.js'

it('a reload gives what a fresh start with the new files would give, in both directions', async () => {
  const rich = [
    ...['maxretry = 7', 'findtime = 3m', 'bantime = 2h', 'bantime.increment = true', 'maxmatches = 2', 'usedns = raw'],
    ...['ignoreip = 198.51.100.0/24', 'ignoreself = false', 'ignorecommand = /bin/false', 'logencoding = ascii'],
    ...['logtimezone = UTC+0200', 'datepattern = %%Y-%%m-%%d', 'failregex = ^odd <HOST>$', 'ignoreregex = kindly'],
    ...['action = nftables-allports[name=x]', 'port = 99', 'maxlines = 3'],
  ].join('\n')
  const files = [onlySshd(rich), onlySshd('maxretry = 3')]
  for (const [before = '', after = ''] of [files, files.toReversed()]) {
    const [reloaded, fresh] = [new House({ jails: before }), new House({ jails: after })]
    await Promise.all([reloaded.serve('--simulate'), fresh.serve('--simulate')])
    const old = await everythingSaid(reloaded)
    reloaded.write('config/jail.local', after)
    const { exitCode, stderr } = await reloaded.tocsin('reload')
    assert.equal(exitCode, 0, stderr)
    const wanted = await everythingSaid(fresh)
    assert.deepEqual(await everythingSaid(reloaded), wanted)
    assert.notDeepEqual(old, wanted)
    assert.ok(wanted.length > 30, `${wanted.length} answers`)
  }
})

/** All that clients can ask about sshd, with the answers. */
async function everythingSaid(house: House): Promise<string[]> {
  const connection = await connectControl(house.at('run/fail2ban.sock'))
  const said: string[] = []
  const ask = async (...words: string[]) => {
    const reply = await connection.send(words)
    said.push(`${words.join(' ')}: ${JSON.stringify(reply).replaceAll(house.dir, 'DIR')}`)
    return reply.kind === 'result' && Array.isArray(reply.value) ? reply.value.map(String) : []
  }
  const options = [
    ...['maxretry', 'findtime', 'bantime', 'bantime.increment', 'maxmatches', 'maxlines', 'usedns', 'logencoding'],
    ...['logtimezone', 'datepattern', 'prefregex', 'failregex', 'ignoreregex', 'ignoreip', 'ignoreself'],
    ...['ignorecommand', 'ignorecache', 'logpath', 'journalmatch'],
  ]
  for (const option of options) await ask('get', 'sshd', option)
  for (const action of await ask('get', 'sshd', 'actions'))
    for (const property of await ask('get', 'sshd', 'actionproperties', action))
      await ask('get', 'sshd', 'action', action, property)
  connection.close()
  return [...said, JSON.stringify(await house.jail()).replaceAll(house.dir, 'DIR')]
}
