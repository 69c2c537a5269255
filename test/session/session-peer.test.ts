import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, describe, it } from 'node:test'
import { debianClient, ownClient } from './clients.js'
import { SessionHouse } from './house.js'
import { script } from './script.js'
import { startServer } from './servers.js'
import { holdSession, type Turn } from './session.js'

const missing = existsSync('/usr/bin/fail2ban-client') ? undefined : "Debian's fail2ban is not installed"

type Side = 'debian' | 'own'

interface Record {
  turns: Turn[]
  /** What the actions of each jail were asked to do, sorted: jails run side by side. */
  actions: string[]
}

const sessions = new Map<string, Promise<Record>>()
const houses: SessionHouse[] = []
after(() => {
  for (const house of houses) house.remove()
})

/** Each pair of client and server goes through the script once. */
function session(client: Side, server: Side): Promise<Record> {
  const key = `${client} ${server}`
  const known = sessions.get(key) ?? hold(client, server)
  sessions.set(key, known)
  return known
}

async function hold(clientSide: Side, serverSide: Side): Promise<Record> {
  const house = new SessionHouse()
  houses.push(house)
  const server = await startServer(serverSide, house)
  const client = clientSide === 'own' ? ownClient : debianClient()
  try {
    const turns = await holdSession(script, client, house)
    return { turns, actions: house.recorded().sort() }
  } finally {
    client.close()
    server.kill('SIGKILL')
  }
}

const block = ({ command, code, stdout, stderr }: Turn) =>
  [
    `$ ${command}`,
    stdout.trimEnd(),
    ...stderr
      .trimEnd()
      .split('\n')
      .map((line) => `2| ${line}`),
    `exit code ${code}`,
  ].join('\n')

/** Where the session went differently from that of Debian's client with Debian's server; empty when nowhere. */
async function differences(client: Side, server: Side): Promise<string> {
  const [expected, seen] = await Promise.all([session('debian', 'debian'), session(client, server)])
  return expected.turns
    .flatMap((turn, at) => {
      const [theirs, ours] = [block(turn), block(seen.turns[at] ?? turn)]
      return theirs === ours ? [] : [`--- Debian\n${theirs}\n--- ${client} client, ${server} server\n${ours}`]
    })
    .join('\n\n')
}

describe('a session of some 250 commands', { skip: missing ?? false, concurrency: true }, () => {
  it("of our client with Debian's server goes as Debian's client's", async () => {
    assert.equal(await differences('own', 'debian'), '')
  })

  it("of Debian's client with our server goes as with Debian's server", async () => {
    assert.equal(await differences('debian', 'own'), '')
  })

  it('of our client with our server goes as Debian with Debian', async () => {
    assert.equal(await differences('own', 'own'), '')
  })

  it("has our server's actions do what Debian's do", async () => {
    const [expected, seen] = await Promise.all([session('debian', 'debian'), session('own', 'own')])
    assert.deepEqual(seen.actions, expected.actions)
  })
})
