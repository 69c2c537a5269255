import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, it } from 'node:test'
import { waitUntil } from '../kit/wait-until.js'
import { ownClient } from './clients.js'
import { SessionHouse } from './house.js'
import { startServer } from './servers.js'

const skip = existsSync('/usr/bin/fail2ban-server') ? false : 'no Fail2ban is installed here'
const bansMade = 1000

describe('a switch from Fail2ban and back', { skip }, () => {
  it('loses no ban and shortens none, with a thousand of them', async (t) => {
    const house = new SessionHouse()
    t.after(() => house.remove())
    // Longer than the jail's own ban time is no ban after a start, with Fail2ban either.
    house.write('config/jail.local', '[DEFAULT]\nbantime = 2h\n')
    const client = async (...words: string[]) => {
      const { code, stdout, stderr } = await ownClient.run('fail2ban-client', ['-c', house.config, ...words])
      assert.equal(code, 0, `${words.slice(0, 3).join(' ')}: ${stdout}${stderr}`)
      return stdout.trim()
    }
    const bans = async () => endsOf(await client('get', 'web', 'banip', '--with-time'))

    const debian = await startServer('debian', house)
    const ids = Array.from({ length: bansMade - 1 }, (_, i) => `203.0.${113 + (i >> 8)}.${i & 255}`)
    await client('set', 'web', 'banip', ...ids, '2001:db8::7')
    const before = await bans()
    assert.equal(before.size, bansMade)
    await client('stop')
    await ended(debian)

    const own = await startServer('own', house)
    assertKept(await bans(), before)
    await client('set', 'web', 'unbanip', '203.0.114.1')
    await client('set', 'web', 'banip', '198.51.100.77')
    await client('stop')
    await ended(own)

    const again = await startServer('debian', house)
    // Fail2ban restores in the background, one command after another.
    await waitUntil(async () => (await bans()).size >= bansMade, 'all bans are restored', 60_000)
    const after = await bans()
    before.delete('203.0.114.1')
    assert.ok(after.delete('198.51.100.77'))
    assertKept(after, before)
    await client('stop')
    await ended(again)
  })
})

/** Ends of the bans by id, in epoch milliseconds. */
function endsOf(listing: string): Map<string, number> {
  const ends = new Map<string, number>()
  for (const [, id = '', end = ''] of listing.matchAll(/^(\S+) \t.* = (.*)$/gm)) ends.set(id, Date.parse(end))
  return ends
}

/** The same ids, each with the same end. The database keeps whole seconds: rounding may move an end by one. */
function assertKept(actual: ReadonlyMap<string, number>, wanted: ReadonlyMap<string, number>): void {
  assert.deepEqual([...actual.keys()].sort(), [...wanted.keys()].sort())
  const moved = [...wanted].filter(([id, endMs]) => Math.abs((actual.get(id) ?? 0) - endMs) > 1000)
  assert.deepEqual(moved, [])
}

function ended(server: Awaited<ReturnType<typeof startServer>>): Promise<void> {
  return new Promise((resolve) => {
    if (server.exitCode !== null) resolve()
    else server.once('exit', () => resolve())
  })
}
