import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { runChild } from '../src/lib/child.js'
import { atTheEnd, failures, House, onlySshd } from './kit/daemon-kit.js'
import { elementsOf, withoutNetwork } from './kit/two-hosts.js'
import { waitUntil } from './kit/wait-until.js'

const sqlite = 'sqlite3'
const withoutSqlite =
  (await runChild([sqlite, '--version'], { timeoutMs: 10_000 })).exitCode === 0 ? false : 'sqlite3 is not installed'
const trouble = /ERROR +Cannot save \d+ ban\(s\), they stay in the kernel, trying again/g
const patienceMs = 30_000

const house = () => new House({ jails: onlySshd('maxretry = 3\nbantime = 1h'), own: '[protect]\nipv6_prefix = off\n' })

/** Bans these while nothing can be saved: all are in the kernel, it is said once, status shows it. */
async function banWithoutDisk(target: House, ips: readonly string[]): Promise<void> {
  for (const ip of ips) target.append(failures(ip, 3))
  for (const ip of ips) await waitUntil(async () => (await elementsOf(ip)) === 1, `${ip} is in the kernel`, patienceMs)
  await waitUntil(async () => (await target.status()).store.trouble !== undefined, 'status shows trouble', patienceMs)
  assert.match((await target.tocsin('status')).stdout, /Trouble: /)
  await target.untilLogged(trouble)
  assert.equal(target.read().match(trouble)?.length, 1)
}

/** Saved in the end: they are there after a kill and a new start. */
async function savedLater(target: House, ips: readonly string[]): Promise<void> {
  await waitUntil(async () => (await target.status()).store.trouble === undefined, 'bans are saved', patienceMs)
  assert.equal(target.read().match(trouble)?.length, 1, 'told once')
  await target.untilLogged(/NOTICE +Bans are saved again/)
  process.kill((await target.status()).pid, 'SIGKILL')
  const next = await target.serve()
  const bans = (await target.bans()).map((ban) => ban.ip)
  for (const ip of ips) assert.ok(bans.includes(ip), `${ip} is restored`)
  for (const ip of ips) assert.equal(await elementsOf(ip), 1)
  await next.end()
}

describe('bans that cannot be saved', { skip: withoutNetwork }, () => {
  const ips = ['192.0.2.7', '192.0.2.8', '2001:db8::9']

  it('because the disk is full stay in the kernel and are saved when there is room', async () => {
    const target = house()
    const disk = target.at('state')
    const mounted = await runChild(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { timeoutMs: 10_000 })
    assert.equal(mounted.exitCode, 0, mounted.stderr)
    atTheEnd(() => runChild(['umount', '-l', disk], { timeoutMs: 10_000 }))
    await target.serve()
    await fill(target, disk)
    await banWithoutDisk(target, ips)
    rmSync(`${disk}/ballast`)
    await savedLater(target, ips)
  })

  it('because somebody else has locked the database stay in the kernel and are saved when he is done', {
    skip: withoutSqlite,
  }, async () => {
    const target = house()
    await target.serve()
    const other = spawn(sqlite, [target.database])
    atTheEnd(() => other.kill('SIGKILL'))
    await lock(other)
    await banWithoutDisk(target, ips)
    other.stdin.end('COMMIT;\n')
    await savedLater(target, ips)
  })
})

/** To the last block; also what the database may still have of its own is used up, by bans that are saved. */
async function fill(target: House, disk: string): Promise<void> {
  writeFileSync(`${disk}/ballast`, Buffer.alloc(statfsSync(disk).bavail * statfsSync(disk).bsize))
  for (let n = 1; (await target.status()).store.trouble === undefined && n < 2000; n += 20) {
    const some = Array.from({ length: 20 }, (_, i) => `10.0.${(n + i) >> 8}.${(n + i) & 255}`)
    assert.notEqual((await target.tocsin('ban', '-j', 'sshd', ...some)).exitCode, 2)
  }
  assert.equal(statfsSync(disk).bavail, 0)
}

async function lock(other: ChildProcessWithoutNullStreams): Promise<void> {
  let said = ''
  other.stdout.on('data', (part) => {
    said += part
  })
  other.stdin.write("BEGIN EXCLUSIVE;\nSELECT 'locked';\n")
  await waitUntil(() => said.includes('locked'), 'the database is locked')
}
