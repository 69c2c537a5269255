// A shared file on a real network file system, as F2BDistro's nodes have it: each machine by a mount of its own; here all of them are this one.
import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { before, describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FleetView } from '../src/api/fleet-operations.js'
import { BanLogFile } from '../src/fleet/ban-log/ban-log-file.js'
import { runChild } from '../src/lib/child.js'
import { atTheEnd, failures, House, onlySshd } from './kit/daemon-kit.js'
import { fleetJail } from './kit/fleet-machines.js'
import { freePort, LoopbackSshfs, withoutSshfs } from './kit/loopback-sshfs.js'
import { ManualClock } from './kit/manual-clock.js'
import { waitUntil } from './kit/wait-until.js'

describe('a shared file on SSHFS', { skip: withoutSshfs }, () => {
  const sshfs = new LoopbackSshfs()
  const theirs = path.join(sshfs.exported, 'newbans.log')
  const web1 = new House({ jails: `${onlySshd('maxretry = 3')}\n${fleetJail}` })
  const web2 = new House({ jails: `${onlySshd('maxretry = 3')}\n${fleetJail}` })
  const mounts: string[] = []

  async function fleet(house: House, ...words: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await house.tocsin('fleet', ...words)
    assert.equal(exitCode, 0, `${words.join(' ')}: ${stdout}${stderr}`)
    return stdout.trim()
  }

  before(async () => {
    await sshfs.start()
    atTheEnd(() => sshfs.end())
    for (const name of ['web1', 'web2']) mounts.push(path.join(await sshfs.mount(name), 'newbans.log'))
    const [file1 = '', file2 = ''] = mounts
    await fleet(web1, 'init', '--name', 'web1', '--file', file1, '--listen', `127.0.0.1:${(await freePort()) - 1}`)
    await web1.serve('--simulate')
    const token = (await fleet(web1, 'invite', 'web2')).split('\n').at(-1) ?? ''
    web2.write('config/tocsin.local', `[fleet]\ntransport = file\npath = ${file2}\n`)
    await fleet(web2, 'join', token)
    await web2.serve('--simulate')
  })

  it('brings bans from one machine to the other', async () => {
    web1.append(failures('198.51.100.31', 3))
    web2.append(failures('198.51.100.32', 3))
    await Promise.all([web2.untilBanned('198.51.100.31', 'fleet'), web1.untilBanned('198.51.100.32', 'fleet')])
  })

  it('refuses what comes while the share hangs, and has nothing twice afterwards', { timeout: 20_000 }, async () => {
    const clock = new ManualClock()
    const [mounted = ''] = mounts
    const file = new BanLogFile(path.join(path.dirname(mounted), 'hanging.log'), clock)
    await file.append('before')
    const goOn = sshfs.hang()
    try {
      const told = [1, 2, 3].map((n) => file.append(`hanging ${n}`))
      // The first of them is on its way then.
      await nextTurn()
      clock.turn(10_000)
      for (const one of told) await assert.rejects(one, /does not answer/)
      const refused = file.append('refused')
      clock.turn(10_000)
      await assert.rejects(refused, /does not answer/)
    } finally {
      goOn()
    }
    await waitUntil(
      () =>
        file.append('after').then(
          () => true,
          () => false,
        ),
      'it answers again',
    )
    const written = readFileSync(path.join(sshfs.exported, 'hanging.log'), 'utf8')
    assert.match(written, /^before\n(?:hanging 1\n)?after\n$/)
  })

  it('goes on after the file was rotated, by renaming and by copying', async () => {
    renameSync(theirs, `${theirs}.1`)
    writeFileSync(theirs, '')
    web1.append(failures('198.51.100.33', 3))
    await web2.untilBanned('198.51.100.33', 'fleet')
    copyFileSync(theirs, `${theirs}.2`)
    truncateSync(theirs)
    web2.append(failures('198.51.100.34', 3))
    await web1.untilBanned('198.51.100.34', 'fleet')
  })

  it('loses no word of a member, and takes none for another, while others write as fast as they can', async () => {
    const writers = mounts.flatMap((file, m) => [0, 1, 2].map((w) => writing(file, 3 * m + w)))
    const ips = Array.from({ length: 12 }, (_, i) => `198.51.100.${40 + i}`)
    for (const ip of ips) web1.append(failures(ip, 3))
    await Promise.all(writers)
    await Promise.all(ips.map((ip) => web2.untilBanned(ip, 'fleet')))
    const isRead = async () => {
      const { lines } = await web2.json<FleetView>('fleet', 'status')
      return Object.values(lines ?? {}).reduce((sum, count) => sum + count) >= 1200
    }
    await waitUntil(isRead, 'the lines of all are read')
    const told = await web2.json<{ ip?: string }[]>('fleet', 'log', '-n', '5000')
    const ipsTold = [...told, ...(await web2.bans())].flatMap(({ ip }) => ip ?? [])
    const strange = ipsTold.filter((ip) => !/^198\.51\.100\.|^203\.0\.113\.2\d\d$/.test(ip))
    assert.deepEqual(strange, [], readFileSync(theirs, 'utf8').slice(-2000))
  })
})

/** 200 plain lines, each of them one write; the addresses end in three digits, so a part of one is another address. */
async function writing(file: string, number: number): Promise<void> {
  // Long ones: a write that crosses a page is two, and another's may come between them.
  const name = `writer${number}-${'x'.repeat(200)}`
  const text = `require('node:fs').appendFileSync(process.argv[1], '${name}[1]: HOST 203.0.113.2' + String(i % 56).padStart(2, '0') + ' PORT 22\\n')`
  const script = `for (let i = 0; i < 200; i++) ${text}`
  const { exitCode, stderr } = await runChild([process.execPath, '-e', script, file], { timeoutMs: 30_000 })
  assert.equal(exitCode, 0, stderr)
}
