import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { after, it } from 'node:test'
import { replyText } from '../../src/cli/fail2ban/reply-text.js'
import { connectControl } from '../../src/compat/control-client.js'
import { PyTuple } from '../../src/lib/python-repr.js'
import { build } from '../kit/build.js'
import { copyConfiguration, stockDir } from '../kit/stock-configuration.js'
import { SessionHouse } from './house.js'
import { apart, startServer } from './servers.js'

const missing = !existsSync(`${stockDir}/jail.conf`)
  ? "Debian's fail2ban is not installed"
  : apart.length === 0
    ? 'needs a network namespace of its own'
    : undefined

const options = [
  ...[
    'failregex',
    'ignoreregex',
    'prefregex',
    'datepattern',
    'maxlines',
    'usedns',
    'logencoding',
    'logtimezone',
    'logpath',
  ],
  ...['maxretry', 'findtime', 'bantime', 'bantime.increment', 'maxmatches', 'ignoreip', 'ignoreself', 'ignorecommand'],
  ...['ignorecache', 'journalmatch', 'actions'],
]

/** Names of Fail2ban's own classes, which we do not have. */
const internal = ['ESCAPE_CRE', 'ESCAPE_VN_CRE', 'banEpoch']

const known = [
  // In 1.1 an option that a jail gives for an action holds for both families.
  'get pass2allow-ftp action iptables-multiport blocktype?family=inet6',
]

const houses: SessionHouse[] = []
after(() => {
  for (const house of houses) house.remove()
})

/** Debian's configuration, all of its jails enabled, each on a log that is there. */
function stockHouse(): { house: SessionHouse; jails: string[] } {
  const house = new SessionHouse()
  houses.push(house)
  const places = readFileSync(house.at('config/fail2ban.conf'), 'utf8')
  rmSync(house.config, { recursive: true })
  copyConfiguration(stockDir, house.config)
  rmSync(house.at('config/jail.d'), { recursive: true, force: true })
  const jails = [...readFileSync(`${stockDir}/jail.conf`, 'utf8').matchAll(/^\[([\w-]+)\]/gm)]
    .map(([, name = '']) => name)
    .filter((name) => name !== 'DEFAULT' && name !== 'INCLUDES')
  house.write('config/fail2ban.local', places)
  house.write(
    'config/jail.local',
    jails.map((name) => `[${name}]\nenabled = true\nbackend = polling\nlogpath = DIR/web.log\n`).join(''),
  )
  return { house, jails }
}

/** What the server answers to every question about every jail, by question. */
async function answers(side: 'debian' | 'own'): Promise<Map<string, string>> {
  const { house, jails } = stockHouse()
  const server = await startServer(side, house)
  const connection = await connectControl(house.socket)
  const known = new Map<string, string>()
  const ask = async (...words: string[]) => {
    const reply = await connection.send(words)
    const text = reply.kind === 'result' ? replyText(words, reply.value, true) : JSON.stringify(reply)
    known.set(words.join(' '), text.replaceAll(house.dir, 'DIR').replaceAll('{1,4}::?|::)', '{1,4}::?|:)'))
    return reply.kind === 'result' ? reply.value : undefined
  }
  const names = (value: unknown) =>
    (value instanceof PyTuple ? value.items : Array.isArray(value) ? value : []).map(String)
  for (const jail of jails) {
    for (const option of options) await ask('get', jail, option)
    for (const action of names(await ask('get', jail, 'actions'))) {
      const reply = await connection.send(['get', jail, 'actionproperties', action])
      const properties = reply.kind === 'result' ? names(reply.value) : []
      for (const property of properties.filter((name) => !internal.includes(name)))
        await ask('get', jail, 'action', action, property)
    }
  }
  connection.close()
  server.kill('SIGKILL')
  return known
}

it("answers every question about Debian's stock jails as Debian's server does", {
  skip: missing ?? false,
}, async () => {
  await build()
  const [theirs, ours] = await Promise.all([answers('debian'), answers('own')])
  assert.ok(theirs.size > 3000, `${theirs.size} answers`)
  for (const question of known) theirs.delete(question)
  const differ = [...theirs].flatMap(([question, answer]) =>
    ours.get(question) === answer ? [] : [`${question}\n  Debian: ${answer}\n  here:   ${ours.get(question)}`],
  )
  assert.equal(differ.join('\n'), '')
})
