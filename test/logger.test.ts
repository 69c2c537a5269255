// The line by which any program rings, as docs/fleet.md has it: a real logger, and a real rsyslog with a socket of its own.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { before, describe, it } from 'node:test'
import { runChild } from '../src/lib/child.js'
import { atTheEnd, House, onlySshd } from './kit/daemon-kit.js'
import { fleetJail } from './kit/fleet-machines.js'
import { waitUntil } from './kit/wait-until.js'

const rsyslogd = ['/usr/sbin/rsyslogd', '/sbin/rsyslogd'].find((file) => existsSync(file))
const skip =
  rsyslogd === undefined
    ? 'needs rsyslogd (apt-get install rsyslog)'
    : existsSync('/usr/bin/logger')
      ? false
      : 'needs logger (apt-get install bsdutils)'

const docs = readFileSync(path.join(import.meta.dirname, '../docs/fleet.md'), 'utf8')

describe('a program that says whom to ban to logger', { skip }, () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-logger-'))
  atTheEnd(() => rmSync(dir, { recursive: true, force: true }))
  const socket = path.join(dir, 'log.sock')

  /** A machine whose fleet is the file `name`. */
  async function listening(name: string): Promise<{ file: string; house: House }> {
    mkdirSync(path.join(dir, name), { recursive: true })
    const file = path.join(dir, name, 'newbans.log')
    const own = `[fleet]\ntransport = file\npath = ${file}\nname = web1\n`
    const house = new House({ jails: `${onlySshd()}\n${fleetJail}`, own })
    await house.serve('--simulate')
    return { file, house }
  }

  /** The command of the documentation, to our rsyslog. */
  async function shell(command: string): Promise<void> {
    const { exitCode, stderr } = await runChild(['sh', '-c', command.replace('logger ', `logger -u ${socket} `)], {
      timeoutMs: 5000,
    })
    assert.equal(exitCode, 0, stderr)
  }

  before(async () => {
    const [rule = ''] = /^:programname, .*$/m.exec(docs) ?? []
    const conf = path.join(dir, 'rsyslog.conf')
    const into = (name: string) => rule.replace('/shared/', `${dir}/${name}/`)
    writeFileSync(
      conf,
      `global(workDirectory="${dir}")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="${socket}")
${into('today')}
${into('former')};RSYSLOG_TraditionalFileFormat
`,
    )
    const child = spawn(rsyslogd ?? '', ['-n', '-f', conf, '-i', path.join(dir, 'pid')], { stdio: 'ignore' })
    atTheEnd(() => child.kill('SIGKILL'))
    await waitUntil(() => existsSync(socket), 'rsyslog listens')
  })

  it('has it banned by the line that logger writes itself', async () => {
    const { file, house } = await listening('stderr')
    const [recipe = ''] = /^logger -s .*$/m.exec(docs) ?? []
    await shell(recipe.replace('203.0.113.9', '198.51.100.31').replace('/shared/newbans.log', file))
    assert.match(readFileSync(file, 'utf8'), /^<13>\w{3} [ \d]\d [\d:]{8} ids\[\d+\]: HOST 198\.51\.100\.31 PORT 22\n$/)
    await house.untilBanned('198.51.100.31', 'fleet')
  })

  for (const [name, dated, format] of [
    ['today', "with today's dates", /^\d{4}-\d\d-\d\dT\S+ \S+ ids: HOST 198\.51\.100\.32 PORT ssh$/m],
    ['former', 'with dates as of old', /^\w{3} [ \d]\d [\d:]{8} \S+ ids: HOST 198\.51\.100\.32 PORT ssh$/m],
  ] as const)
    it(`has it banned by the line that rsyslog writes, ${dated}`, async () => {
      const { file, house } = await listening(name)
      await shell('logger -t ids "HOST 198.51.100.32 PORT ssh"; logger -t other "HOST 198.51.100.33 PORT ssh"')
      await waitUntil(() => existsSync(file) && format.test(readFileSync(file, 'utf8')), `${file} has it`)
      await house.untilBanned('198.51.100.32', 'fleet')
      assert.equal(await house.isBanned('198.51.100.33'), false)
    })
})
