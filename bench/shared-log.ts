// From write() of the line that decides on one machine to the address in another machine's kernel, by a file that both share: in one directory, and over SSHFS.
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { setName, tableName } from '../src/firewall/layout.js'
import { FleetDir, publicTextOf } from '../src/fleet/enrolment/fleet-dir.js'
import { found } from '../src/fleet/enrolment/found.js'
import { admit } from '../src/fleet/enrolment/membership.js'
import { brokerKeyPair, nkeyText } from '../src/fleet/nats/nkey.js'
import { LoopbackSshfs, withoutSshfs } from '../test/kit/loopback-sshfs.js'
import { syslogDate } from './kit/attack-log.js'
import { hasDebianConfiguration, makeConfiguration, type Places, sshdJail } from './kit/configuration.js'
import { Fail2banDaemon, fail2ban, fail2banSet, fail2banTable } from './kit/fail2ban.js'
import { address, KernelSet, keyOf } from './kit/kernel-sets.js'
import { OwnDaemon } from './kit/own-daemon.js'
import { print, quantile, type Row } from './kit/report.js'
import { isApart, makeWorkspace, until } from './kit/workspace.js'

const banCount = 50
const fail2banBanCount = 25
/** Each takes it 20 s there: so long SSHFS keeps what stat(2) says, which is what Fail2ban polls. */
const fail2banSlowCount = 6
/** Uneven, so that no poll is met every time. */
const pausesMs = [31, 147, 259, 373, 497]

const workspace = makeWorkspace('shared-log')
const rows: Row[] = []
const remarks: string[] = []
let nextAddress = 1

if (!isApart) remarks.push('Not root: there is no kernel set to look into; nothing is measured.')
else {
  const local = path.join(workspace, 'share')
  mkdirSync(local)
  await measure('one directory', [local, local])
  if (withoutSshfs) remarks.push(`Nothing was measured over SSHFS: ${withoutSshfs}.`)
  else {
    await overSshfs()
    remarks.push(
      'Over SSHFS Fail2ban waits for stat(2), whose answers a mount keeps for 20 s unless it is told otherwise (dcache_timeout); tocsin opens the file for each look. ' +
        'Tailers that read every second, without stat(2), were measured before on such a machine: p50 522 ms, p99 1,023 ms.',
    )
  }
  if (fail2ban === undefined || !hasDebianConfiguration)
    remarks.push('Fail2ban is not installed: not compared with it.')
}

print({
  benchmark: 'shared-log',
  method:
    'Two daemons share a file. From write() of a line in the log of one of them, which decides, to the element in the set of the other one’s kernel; ' +
    'the first ban is not counted. tocsin: transport = file, signed lines, watching that it chooses by itself. Fail2ban: the action writes a line, a jail with ' +
    'backend = polling reads it, nftables-allports bans. SSHFS: a sshd on this machine, a mount for each daemon, default options',
  rows,
  remarks,
})
process.exit(0)

async function overSshfs(): Promise<void> {
  const sshfs = await new LoopbackSshfs().start()
  try {
    await measure('SSHFS', [await sshfs.mount('a'), await sshfs.mount('b')])
  } finally {
    await sshfs.end()
  }
}

async function measure(where: string, [a, b]: readonly [string, string]): Promise<void> {
  await own(where, [path.join(a, 'tocsin.log'), path.join(b, 'tocsin.log')])
  if (fail2ban !== undefined && hasDebianConfiguration)
    await peer(fail2ban, where, [path.join(a, 'newbans.log'), path.join(b, 'newbans.log')])
}

async function own(where: string, files: readonly [string, string]): Promise<void> {
  const [teller, hearer] = files.map((file, n) => ownMachine(`${where} tocsin ${n}`, file, n === 0))
  if (teller === undefined || hearer === undefined) return
  makeFleet(teller.places, hearer.places, files[0])
  const daemons = [new OwnDaemon(teller.places), new OwnDaemon(hearer.places)]
  for (const daemon of daemons) await daemon.ready()
  const kernel = new KernelSet(tableName, setName('v4', 'fleet'))
  rows.push(...rowsOf('tocsin', where, await latencies(teller.log, banCount, kernel)))
  kernel.close()
  for (const daemon of daemons) await daemon.stop()
}

/** The one that tells bans nobody itself: both are in one network. */
function ownMachine(name: string, file: string, isSimulated: boolean): { places: Places; log: string } {
  const { home, log } = makeHome(name)
  const fleetJail =
    '[fleet]\nenabled = true\nbackend = fleet\nmaxretry = 1\nbantime = 1h\nbanaction = nftables-allports\n'
  const others = ['nginx-http-auth', 'nginx-bad-request', 'apache-auth', 'apache-bad-request', 'recidive']
  const off = others.map((jail) => `[${jail}]\nenabled = false\n`).join('')
  const jailLocal = `${sshdJail(log, ['maxretry = 1'])}\n${fleetJail}${off}`
  const places = makeConfiguration({ home, from: 'shipped', jailLocal })
  const simulate = isSimulated ? '[enforcement]\nsimulate = yes\n' : ''
  writeFileSync(path.join(places.dir, 'tocsin.local'), `[fleet]\ntransport = file\npath = ${file}\n${simulate}`)
  return { places, log }
}

function makeFleet(first: Places, second: Places, file: string): void {
  const nowMs = Date.now()
  const [a, b] = [new FleetDir(first.dir), new FleetDir(second.dir)]
  const facts = found(a, { fleet: 'bench', name: 'a', url: `file://${encodeURI(file)}`, nowMs })
  const seed = b.nodeSeed()
  admit(
    a,
    {
      name: 'b',
      key: publicTextOf(seed),
      brokerKey: nkeyText('user', brokerKeyPair(seed).publicKey),
      role: 'node',
      level: 'own',
    },
    nowMs,
  )
  b.writeFacts({ ...facts, name: 'b', role: 'node' })
}

async function peer(subject: string, where: string, files: readonly [string, string]): Promise<void> {
  const [teller, hearer] = files.map((file, n) => peerMachine(`${where} fail2ban ${n}`, file, n === 0))
  if (teller === undefined || hearer === undefined) return
  const daemons = [new Fail2banDaemon(teller.places), new Fail2banDaemon(hearer.places)] as const
  await daemons[0].ready('sshd')
  await daemons[1].ready('newbans')
  const kernel = new KernelSet(fail2banTable, fail2banSet('newbans'))
  rows.push(
    ...rowsOf(
      subject,
      where,
      await latencies(teller.log, where === 'SSHFS' ? fail2banSlowCount : fail2banBanCount, kernel),
    ),
  )
  kernel.close()
  for (const daemon of daemons) await daemon.stop()
}

function peerMachine(name: string, file: string, isTeller: boolean): { places: Places; log: string } {
  const { home, log } = makeHome(name)
  const tells = `${sshdJail(log, ['backend = polling', 'maxretry = 1', 'action = newbans'])}\n`
  const hears = `[sshd]\nenabled = false\n[newbans]\nenabled = true\nfilter = newbans\nlogpath = ${file}\nbackend = polling\nmaxretry = 1\nbanaction = nftables-allports\n`
  const places = makeConfiguration({ home, from: 'debian', jailLocal: isTeller ? tells : hears })
  appendFileSync(file, '')
  const action = shown('action.d/newbans.conf').replace('/shared/newbans.log', file)
  writeFileSync(path.join(places.dir, 'action.d/newbans.conf'), action)
  writeFileSync(path.join(places.dir, 'filter.d/newbans.conf'), shown('filter.d/newbans.conf'))
  return { places, log }
}

/** What docs/fleet.md shows under that name. */
function shown(name: string): string {
  const docs = readFileSync(path.join(import.meta.dirname, '../docs/fleet.md'), 'utf8')
  const [, text = ''] = new RegExp(`\`${name}\`:\n\n\`\`\`ini\n(.*?)\`\`\``, 's').exec(docs) ?? []
  return text
}

/** Milliseconds, in the order of the bans. */
async function latencies(log: string, count: number, kernel: KernelSet): Promise<number[]> {
  const times: number[] = []
  for (let n = 0; n <= count; n++) {
    await pause(pausesMs[n % pausesMs.length])
    const ip = address(nextAddress++)
    const key = keyOf(ip)
    const written = process.hrtime.bigint()
    appendFileSync(log, `${syslogDate()} gate sshd[4711]: Failed password for root from ${ip} port 40022 ssh2\n`)
    // A millisecond between two looks: the daemons need the cores.
    await until(() => kernel.has(key), `${ip} is in the kernel`, { everyMs: 1, patienceMs: 30_000 })
    times.push(Number(process.hrtime.bigint() - written) / 1e6)
  }
  return times.slice(1)
}

function makeHome(name: string): { home: string; log: string } {
  const home = path.join(workspace, name.replaceAll(' ', '-'))
  mkdirSync(home)
  const log = path.join(home, 'auth.log')
  // A log is not empty in real life, and its first line tells one log from another.
  writeFileSync(log, `${syslogDate()} gate sshd[1]: Server listening on 0.0.0.0 port 22.\n`)
  return { home, log }
}

function rowsOf(subject: string, where: string, times: number[]): Row[] {
  const sorted = [...times].sort((a, b) => a - b)
  const note = `${sorted.length} bans; least ${sorted[0]?.toFixed(1)}, most ${sorted.at(-1)?.toFixed(1)} ms`
  return (
    [
      ['p50', 0.5],
      ['p99', 0.99],
    ] as const
  ).map(([name, share]) => {
    return {
      measure: `line to the other kernel, ${where}, ${name}`,
      subject,
      unit: 'ms',
      values: [quantile(sorted, share)],
      note,
    }
  })
}
