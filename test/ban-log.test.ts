// A shared file as F2BDistro has it: daemons of ours and a real Fail2ban that knows nothing of us write to the same newbans.log.
import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { before, describe, it } from 'node:test'
import { runChild } from '../src/lib/child.js'
import { atTheEnd, type DaemonProcess, failures, House, onlySshd } from './kit/daemon-kit.js'
import { fleetJail } from './kit/fleet-machines.js'
import { freePort } from './kit/loopback-sshfs.js'
import { waitUntil } from './kit/wait-until.js'

const share = mkdtempSync(path.join(tmpdir(), 'tocsin-share-'))
atTheEnd(() => rmSync(share, { recursive: true, force: true }))

function member(file: string, name: string): House {
  return new House({
    jails: `${onlySshd('maxretry = 3')}\n${fleetJail}${fleetJail.replace('[fleet]', '[two]')}minnodes = 2\n`,
    own: `[fleet]\ntransport = file\npath = ${file}\nname = ${name}\n`,
  })
}

describe('two machines that share a file, with keys', () => {
  const dir = path.join(share, 'signed')
  const file = path.join(dir, 'newbans.log')
  mkdirSync(dir)
  const web1 = new House({ jails: `${onlySshd('maxretry = 3')}\n${fleetJail}` })
  const web2 = new House({ jails: `${onlySshd('maxretry = 3')}\n${fleetJail}` })

  let daemon2: DaemonProcess | undefined

  async function fleet(house: House, ...words: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await house.tocsin('fleet', ...words)
    assert.equal(exitCode, 0, `${words.join(' ')}: ${stdout}${stderr}`)
    return stdout.trim()
  }

  before(async () => {
    const port = await freePort()
    await fleet(web1, 'init', '--name', 'web1', '--file', file, '--listen', `127.0.0.1:${port - 1}`)
    await web1.serve('--simulate')
    const token = (await fleet(web1, 'invite', 'web2')).split('\n').at(-1) ?? ''
    await fleet(web2, 'join', token)
    daemon2 = await web2.serve('--simulate')
  })

  it('ban and let in together, under signatures', async () => {
    const ip = '198.51.100.17'
    web2.append(failures(ip, 3))
    await web1.untilBanned(ip, 'fleet')
    assert.match(readFileSync(file, 'utf8'), /^\w{3} .* tocsin\.web2\.\S{100,}\[\d+\]: HOST 198\.51\.100\.17 PORT 22$/m)
    assert.equal((await web2.tocsin('unban', ip)).exitCode, 0)
    await Promise.all([web1.untilFree(ip), web2.untilFree(ip)])
  })

  it('say what came of the lines', async () => {
    const said = await fleet(web1, 'status')
    assert.match(said, /sharing \S+newbans\.log.*lines: \d+ signed/)
    assert.match(said, /^web2 +own /m)
  })

  it('hear what happened while the share was away, also by one that was killed meanwhile, and hear it once', async () => {
    const ip = '198.51.100.19'
    renameSync(dir, `${dir}-away`)
    web2.append(failures(ip, 3))
    await web2.untilBanned(ip, 'sshd')
    await daemon2?.end('SIGKILL')
    daemon2 = await web2.serve('--simulate')
    assert.equal(await web1.isBanned(ip), false)
    renameSync(`${dir}-away`, dir)
    await web1.untilBanned(ip, 'fleet')
    await daemon2.end()
    daemon2 = await web2.serve('--simulate')
    assert.equal((await web2.tocsin('ban', '198.51.100.20', '--for', '1h')).exitCode, 0)
    await web1.untilBanned('198.51.100.20', 'fleet')
    // NOTE: a line whose writer ended before he had read it back is written again; it has no effect.
    for (const banned of [ip, '198.51.100.20']) {
      const told = web1.read('tocsin.log').split(`[fleet] Ban ${banned}\n`).length - 1
      assert.equal(told, 1, banned)
    }
  })

  it('take back what a revoked one has told, and hear it no more', async () => {
    const ip = '198.51.100.18'
    assert.equal((await web2.tocsin('ban', ip, '--for', '1h')).exitCode, 0)
    await web1.untilBanned(ip, 'fleet')
    await fleet(web1, 'revoke', 'web2')
    await web1.untilFree(ip)
    assert.equal((await web2.tocsin('ban', '198.51.100.21', '--for', '1h')).exitCode, 0)
    await waitUntil(
      async () => (await fleet(web1, 'log', '--node', 'web2', '--refused')).includes('revoked-node'),
      () => `what it says later is refused:\n${readFileSync(file, 'utf8')}`,
    )
    assert.equal(await web1.isBanned('198.51.100.21'), false)
  })
})

describe('two machines that share a file, without keys', () => {
  const file = path.join(share, 'newbans.log')
  const web1 = member(file, 'web1')
  const web2 = member(file, 'web2')

  before(async () => {
    await Promise.all([web1.serve('--simulate'), web2.serve('--simulate')])
  })

  it('ban what one of them bans', async () => {
    web1.append(failures('198.51.100.7', 3))
    await web2.untilBanned('198.51.100.7', 'fleet')
    assert.match(readFileSync(file, 'utf8'), /^\w{3} .* tocsin\.web1\[\d+\]: HOST 198\.51\.100\.7 PORT 22\n$/)
  })

  it('ban whom anybody names in one line', async () => {
    appendFileSync(file, 'HOST 198.51.100.8 PORT 22\n')
    const docs = readFileSync(path.join(import.meta.dirname, '../docs/fleet.md'), 'utf8')
    const [shown = ''] = /^echo .*$/m.exec(docs) ?? []
    const recipe = shown.replace('203.0.113.9', '198.51.100.9').replace('/shared/newbans.log', file)
    assert.equal((await runChild(['sh', '-c', recipe], { timeoutMs: 5000 })).exitCode, 0)
    const ips = ['198.51.100.8', '198.51.100.9']
    await Promise.all([web1, web2].flatMap((one) => ips.map((ip) => one.untilBanned(ip, 'fleet'))))
  })

  it('ban them again when the kill switch is over', async () => {
    const say = (mode: string) => web2.tocsin('fleet', 'mode', mode, '--here')
    assert.equal((await say('off')).exitCode, 0)
    await web2.untilFree('198.51.100.9')
    assert.equal((await say('enforce')).exitCode, 0)
    await web2.untilBanned('198.51.100.9', 'fleet')
    await web2.untilBanned('198.51.100.7', 'fleet')
  })

  it('do not take such a line for one of two machines', async () => {
    web1.append(failures('198.51.100.8', 3))
    await web1.untilBanned('198.51.100.8', 'sshd')
    assert.equal(await web1.isBanned('198.51.100.8', 'two'), false)
  })
})
