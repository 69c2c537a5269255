// Beside a Fail2ban that knows nothing of us: Debian's own, unmodified, with the filter and the action of docs/fleet.md, or those that F2BDistro's nodes have had for years.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { before, describe, it } from 'node:test'
import type { FleetView } from '../src/api/fleet-operations.js'
import { atTheEnd, failures, House, onlySshd, withoutDebian } from './kit/daemon-kit.js'
import { fleetJail } from './kit/fleet-machines.js'
import { copyConfiguration, stockDir } from './kit/stock-configuration.js'
import { waitUntil } from './kit/wait-until.js'

const share = mkdtempSync(path.join(tmpdir(), 'tocsin-share-'))
atTheEnd(() => rmSync(share, { recursive: true, force: true }))

/** What docs/fleet.md shows under that name. */
function shown(name: string): string {
  const docs = readFileSync(path.join(import.meta.dirname, '../docs/fleet.md'), 'utf8')
  const [, text] = new RegExp(`\`${name}\`:\n\n\`\`\`ini\n(.*?)\`\`\``, 's').exec(docs) ?? []
  return text ?? assert.fail(`docs/fleet.md shows ${name}`)
}

/** As F2BDistro's: the filter knows numbers of ports only, the action is on the jail that listens, too, and nothing says `norestored`. */
const old = {
  filter:
    '[INCLUDES]\nbefore = common.conf\n[Definition]\nfailregex = ^\\s*\\S+(?:\\[\\d+\\])?: HOST <HOST> PORT \\d+$\n            ^HOST <HOST> PORT \\d+$\n',
  action:
    '[Definition]\nactionban = echo "$(date \'+%%b %%e %%H:%%M:%%S\') root[$$]: HOST <ip> PORT <port>" >> <file>\n[Init]\nfile = /shared/newbans.log\nport = 0:65535\n',
}

/** A Fail2ban with a configuration of its own, whose bans go to a file. */
class Fail2banNode {
  readonly #dir = mkdtempSync(path.join(tmpdir(), 'tocsin-f2b-'))
  #child: ChildProcess | undefined

  constructor({ filter, action }: { filter: string; action: string }, file: string, listens: string) {
    atTheEnd(() => rmSync(this.#dir, { recursive: true, force: true }))
    copyConfiguration(stockDir, this.at('conf'))
    mkdirSync(this.at('run'))
    writeFileSync(this.at('conf/filter.d/newbans.conf'), filter)
    writeFileSync(this.at('conf/action.d/newbans.conf'), action.replace('/shared/newbans.log', file))
    writeFileSync(
      this.at('conf/action.d/noted.conf'),
      `[Definition]\nactionban = echo "<name> <ip>" >> ${this.at('noted')}\n`,
    )
    writeFileSync(this.at('auth.log'), '')
    writeFileSync(this.at('noted'), '')
    writeFileSync(
      this.at('conf/fail2ban.local'),
      `[Definition]\nsocket = ${this.at('run/s')}\npidfile = ${this.at('run/p')}\ndbfile = None\nlogtarget = ${this.at('log')}\n`,
    )
    const common = 'enabled = true\nbackend = polling\nfindtime = 30m\nbantime = 30m\n'
    writeFileSync(
      this.at('conf/jail.local'),
      `[sshd]\n${common}logpath = ${this.at('auth.log')}\nmaxretry = 3\naction = noted\n  newbans[port="22"]\n` +
        `[newbans]\n${common}filter = newbans\nlogpath = ${file}\nmaxretry = 1\naction = noted\n${listens}`,
    )
  }

  at(name: string): string {
    return path.join(this.#dir, name)
  }

  async start(): Promise<void> {
    const where = ['-c', this.at('conf'), '-s', this.at('run/s'), '-p', this.at('run/p')]
    const child = spawn('/usr/bin/fail2ban-server', ['-f', ...where, 'start'], { stdio: 'ignore' })
    this.#child = child
    atTheEnd(() => this.end())
    const log = () => (existsSync(this.at('log')) ? readFileSync(this.at('log'), 'utf8') : '')
    await waitUntil(
      () => log().includes("Jail 'newbans' started"),
      () => `Fail2ban is ready:\n${log()}`,
    )
  }

  async end(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill()
    await once(child, 'exit')
  }

  /** Jails that have banned it, in order. */
  bans(ip: string): string[] {
    const lines = readFileSync(this.at('noted'), 'utf8').split('\n')
    return lines.flatMap((line) => (line.endsWith(` ${ip}`) ? [line.split(' ')[0] ?? ''] : []))
  }

  untilBanned(ip: string, jail: string): Promise<void> {
    return waitUntil(
      () => this.bans(ip).includes(jail),
      () => `Fail2ban's jail ${jail} bans ${ip}; its log:\n${readFileSync(this.at('log'), 'utf8')}`,
    )
  }
}

for (const [what, parts, listens] of [
  ['as the documentation has it', 'new', ''],
  ['as nodes have it that tell on what they have read', 'old', '  newbans[port="22"]\n'],
] as const)
  describe(`a Fail2ban node ${what}`, { skip: withoutDebian }, () => {
    const file = path.join(share, `${parts}.log`)
    const member = (name: string) =>
      new House({
        jails: `${onlySshd('maxretry = 3')}\n${fleetJail}`,
        own: `[fleet]\ntransport = file\npath = ${file}\nname = ${name}\n`,
      })
    const web1 = member('web1')
    const web2 = member('web2')
    const lines = (ip: string) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line.includes(`HOST ${ip} `))
    let node: Fail2banNode

    before(async () => {
      writeFileSync(file, '')
      const shownParts = { filter: shown('filter.d/newbans.conf'), action: shown('action.d/newbans.conf') }
      node = new Fail2banNode(parts === 'new' ? shownParts : old, file, listens)
      await Promise.all([node.start(), web1.serve('--simulate'), web2.serve('--simulate')])
    })

    it('bans whom we ban, and we ban whom it bans', async () => {
      web1.append(failures('198.51.100.21', 3))
      appendFileSync(node.at('auth.log'), failures('198.51.100.22', 3))
      await Promise.all([
        node.untilBanned('198.51.100.21', 'newbans'),
        web2.untilBanned('198.51.100.21', 'fleet'),
        web1.untilBanned('198.51.100.22', 'fleet'),
        web2.untilBanned('198.51.100.22', 'fleet'),
      ])
      await node.untilBanned('198.51.100.22', 'newbans')
    })

    it('gets no storm of echoes from us, and causes none here', async () => {
      const ip = '198.51.100.23'
      web2.append(failures(ip, 3))
      await Promise.all([node.untilBanned(ip, 'newbans'), web1.untilBanned(ip, 'fleet')])
      web1.append(failures('198.51.100.24', 3))
      await node.untilBanned('198.51.100.24', 'newbans')
      await web2.untilBanned('198.51.100.24', 'fleet')
      // Of all four bans; the last line of the file is one of them.
      const echoes = parts === 'old' ? 4 : 0
      const counted = async () => (await web1.json<FleetView>('fleet', 'status')).lines
      await waitUntil(
        async () => (await counted())?.echoes === echoes,
        () => `${echoes} echoes:\n${readFileSync(file, 'utf8')}`,
      )
      const { plain, own, damaged } = (await counted()) ?? {}
      assert.deepEqual({ plain, own, damaged }, { plain: 2, own: 2, damaged: 0 }, readFileSync(file, 'utf8'))
      assert.match(lines(ip)[0] ?? '', /tocsin\.web2\[/)
      assert.equal(readFileSync(file, 'utf8').split('\n').length - 1, 4 + echoes)
    })
  })
