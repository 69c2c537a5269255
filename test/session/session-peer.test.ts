import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { build, root } from '../kit/build.js'
import { type Client, debianClient, ownClient, programsIn } from './clients.js'
import { SessionHouse } from './house.js'
import { known } from './known-differences.js'
import { apart, startServer } from './servers.js'
import { holdSession, type Script, type Turn } from './session.js'

const missing = existsSync('/usr/bin/fail2ban-client') ? undefined : "Debian's fail2ban is not installed"
/** Nobody else may change the packet filter: our server would only simulate, and run no action. */
const withoutActions = process.getuid?.() === 0 ? false : 'needs root: without it our server runs no actions'
if (missing === undefined) await build()

type Side = 'debian' | 'own'

interface Account {
  turns: Turn[]
  /** What the actions were asked to do, sorted: jails run side by side. */
  actions: string[]
}

const accounts = new Map<string, Promise<Account>>()
const houses: SessionHouse[] = []
after(() => {
  for (const house of houses) house.remove()
})

/** Each session is held once. */
function account(name: string, hold: (house: SessionHouse) => Promise<Turn[]>): Promise<Account> {
  const house = new SessionHouse()
  houses.push(house)
  const made = accounts.get(name) ?? hold(house).then((turns) => ({ turns, actions: house.recorded().sort() }))
  accounts.set(name, made)
  return made
}

function session(clientSide: Side, serverSide: Side, script: Script = 'commands'): Promise<Account> {
  return account(`${clientSide} ${serverSide} ${script}`, async (house) => {
    const server = await startServer(serverSide, house)
    const client: Client = clientSide === 'own' ? ownClient : debianClient()
    try {
      return await holdSession(script, client, house)
    } finally {
      client.close()
      server.kill('SIGKILL')
    }
  })
}

/** Client and server of one side, as processes. */
function comingAndGoing(side: Side): Promise<Account> {
  const programs = side === 'own' ? programsIn(path.join(root, 'bin'), apart) : programsIn('/usr/bin')
  return account(`lifecycle ${side}`, (house) => holdSession('lifecycle', programs, house))
}

/** Where the second went differently from the first, and no reason is known; empty when nowhere. */
function differences(expected: Account, seen: Account): string {
  assert.equal(seen.turns.length, expected.turns.length)
  return expected.turns
    .flatMap((turn, at) => {
      const [theirs, ours] = [block(turn), block(seen.turns[at] ?? turn)]
      return theirs === ours || known.has(turn.command) ? [] : [`--- Debian\n${theirs}\n--- here\n${ours}`]
    })
    .join('\n\n')
}

function block({ command, code, stdout, stderr }: Turn): string {
  const complaints = stderr.split('\n').flatMap((line) => (line === '' ? [] : `2| ${line}`))
  return [`$ ${command}`, stdout.trimEnd(), ...complaints, `exit code ${code}`].join('\n')
}

describe('sessions of more than 500 commands', { skip: missing ?? false, concurrency: true }, () => {
  const peers = () => session('debian', 'debian')

  it("of our client with Debian's server goes as that of Debian's client", async () => {
    assert.equal(differences(await peers(), await session('own', 'debian')), '')
  })

  it("of Debian's client with our server goes as that with Debian's server", { skip: withoutActions }, async () => {
    assert.equal(differences(await peers(), await session('debian', 'own')), '')
  })

  it('goes alike where commands are mistyped or at the edge', { skip: withoutActions }, async () => {
    const [theirs, ours] = await Promise.all([
      session('debian', 'debian', 'oddities'),
      session('debian', 'own', 'oddities'),
    ])
    assert.equal(differences(theirs, ours), '')
    assert.deepEqual(ours.actions, theirs.actions)
  })

  it("has our server's actions do what Debian's do", { skip: withoutActions }, async () => {
    assert.deepEqual((await session('debian', 'own')).actions, (await peers()).actions)
  })

  it('starts, restarts and stops a server with the same words', { skip: withoutActions }, async () => {
    const [theirs, ours] = await Promise.all([comingAndGoing('debian'), comingAndGoing('own')])
    assert.equal(differences(theirs, ours), '')
    assert.deepEqual(ours.actions, theirs.actions)
  })
})
