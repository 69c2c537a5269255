// What a packet of somebody who is banned costs until it is dropped, beside what Fail2ban's actions put into the packet filter.
import { ipOf } from '../src/domain/address.js'
import type { Enforcer, Scope } from '../src/domain/enforcer.js'
import { IpsetEnforcer } from '../src/firewall/ipset.js'
import { IpsetTool } from '../src/firewall/ipset-tool.js'
import { KernelEnforcer } from '../src/firewall/kernel.js'
import { runChild } from '../src/lib/child.js'
import { systemClock as clock } from '../src/lib/clock.js'
import { met, outside, PacketSender } from './kit/packet-sender.js'
import { print, type Row, summarize } from './kit/report.js'
import { findProgram, isApart, versionOf } from './kit/workspace.js'

const runs = 11
/** A run has so many packets, or fewer where they take long. */
const packetsMax = 20_000
const runNsMax = 300_000_000
/** So many different senders at most; more banned ones are in the set and silent. */
const sendersMax = 10_000
const sizes = [100, 1_000, 10_000]
const scope: Scope = { jail: 'sshd', ports: [{ first: 22, last: 22 }], protocols: ['tcp'] }

/** Somebody who keeps addresses out. */
interface Subject {
  name: string
  /** From how many bans on it is not asked any more. */
  bansMax: number
  note?: string
  setUp(addresses: readonly string[]): Promise<void>
  tearDown(): Promise<void>
}

const rows: Row[] = []
const remarks: string[] = []

if (isApart) await measure()
else remarks.push('Not root: there is no packet filter to try; nothing is measured.')

print({
  benchmark: 'drops',
  method:
    'TCP SYNs to port 22 from banned addresses, all of them in turn, over a veth pair, sent and received by one core; user and system CPU time of a packet from the ' +
    'sender until it is dropped, less that of a packet of a protocol that nobody takes; every packet is counted at the interface, and none reaches TCP',
  rows,
  remarks,
})

async function measure(): Promise<void> {
  const sender = await PacketSender.make()
  for (const size of [...sizes, 1_000_000]) {
    for (const subject of subjects().filter(({ bansMax }) => size <= bansMax))
      rows.push(await costOf(subject, sender, size))
    if (size === sizes.at(-1)) await besideStatefulFirewall(sender, size)
  }
  rows.push(answered(sender))
  if (findProgram('iptables') === undefined || findProgram('ipset') === undefined)
    remarks.push('iptables or ipset is not installed: not compared with what Fail2ban makes of them.')
  remarks.push("Fail2ban's actions reject unless they are told to drop; here they drop, which costs less.")
  sender.close()
}

/** Others' rules that ask for connections make the kernel look each packet up, and most servers have some. */
async function besideStatefulFirewall(sender: PacketSender, size: number): Promise<void> {
  if (findProgram('nft') === undefined) return
  const rules = 'add chain inet stateful input { type filter hook input priority 0; }\n'
  const rule = 'add rule inet stateful input ct state established,related accept\n'
  await run(['nft', '-f', '-'], `add table inet stateful\n${rules}${rule}`)
  for (const subject of subjects().filter(({ bansMax }) => size <= bansMax))
    rows.push(await costOf(subject, sender, size, ', beside a stateful firewall'))
  await run(['nft', 'delete', 'table', 'inet', 'stateful'])
}

async function costOf(
  { name, note, setUp, tearDown }: Subject,
  sender: PacketSender,
  size: number,
  where = '',
): Promise<Row> {
  const all = sources(size)
  await setUp(all.map(textOf))
  const senders = all.filter((_, n) => n % Math.ceil(size / sendersMax) === 0)
  const frames = sender.frames(senders)
  const tryOutNs = sender.send(frames, 200)
  const count = Math.min(packetsMax, Math.max(500, Math.round(runNsMax / tryOutNs)))
  const before = met()
  const whole: number[] = []
  const values = besidesFloor(sender, senders, () => {
    const ns = sender.send(frames, count)
    whole.push(ns)
    return ns
  })
  const after = met()
  await tearDown()
  if (after.segments !== before.segments || after.received - before.received !== runs * (count + packetsMax))
    throw new Error(
      `${name}: of ${runs * (count + packetsMax)} packets ${after.received - before.received} came in, and ${after.segments - before.segments} got through`,
    )
  const perSecond = Math.round(1e9 / summarize(whole).median / 1000)
  const rate = `${perSecond.toLocaleString('en')},000 packets/s of one core, sending included`
  return {
    measure: `a dropped packet, ${size.toLocaleString('en')} bans${where}`,
    subject: name,
    unit: 'ns',
    values,
    note: note === undefined || size !== sizes[0] ? rate : `${rate}; ${note}`,
  }
}

/**
 * What each run costs more than as many bytes in a protocol that nobody takes. They take turns, as the machine is quicker at one time than
 * at another.
 */
function besidesFloor(sender: PacketSender, senders: readonly number[], runOnce: () => number): number[] {
  const unwanted = sender.frames(senders, { isUnwanted: true })
  return Array.from({ length: runs }, () => {
    const floorNs = sender.send(unwanted, packetsMax)
    return runOnce() - floorNs
  })
}

/** What it would cost if nobody were banned: the server answers that nobody listens. */
function answered(sender: PacketSender): Row {
  const senders = sources(1_000)
  const frames = sender.frames(senders)
  const values = besidesFloor(sender, senders, () => sender.send(frames, packetsMax))
  return { measure: 'a packet that is not dropped', subject: 'Linux, port closed', unit: 'ns', values }
}

function subjects(): Subject[] {
  const own = [
    ownSubject('tocsin', () => new KernelEnforcer({ clock })),
    ownSubject('tocsin, hook = ingress', () => new KernelEnforcer({ clock, ingress: [outside] })),
  ]
  const nft = findProgram('nft')
  const hasIptables = findProgram('iptables-restore') !== undefined
  const hasIpset = hasIptables && findProgram('ipset') !== undefined
  return [
    ...own,
    ...(hasIpset
      ? [ownSubject('tocsin, by = ipset', () => new IpsetEnforcer({ clock, tool: new IpsetTool(clock) }))]
      : []),
    ...(nft ? [nftables(versionOf(nft).split(' (')[0] ?? 'nft')] : []),
    ...(hasIpset ? [ipset()] : []),
    ...(hasIptables ? [iptables(versionOf('iptables'))] : []),
  ]
}

function ownSubject(name: string, make: () => Enforcer): Subject {
  let enforcer: Enforcer
  return {
    name,
    bansMax: 1_000_000,
    async setUp(addresses) {
      enforcer = make()
      await enforcer.arrange([scope])
      const remainingMs = 3_600_000
      await enforcer.close(addresses.map((text) => ({ jail: scope.jail, ip: ipOfText(text), remainingMs })))
    },
    async tearDown() {
      await enforcer.clear()
      enforcer.release()
    },
  }
}

/** As its action nftables-multiport does, but dropped. */
function nftables(version: string): Subject {
  return {
    name: `Fail2ban's nftables action`,
    bansMax: 10_000,
    note: `a set and a rule of filter input; ${version}`,
    setUp: (addresses) =>
      run(
        ['nft', '-f', '-'],
        `add table inet f2b-table
add set inet f2b-table addr-set-sshd { type ipv4_addr; }
add chain inet f2b-table f2b-chain { type filter hook input priority -1; }
add rule inet f2b-table f2b-chain tcp dport 22 ip saddr @addr-set-sshd drop
add element inet f2b-table addr-set-sshd { ${addresses.join(', ')} }
`,
      ),
    tearDown: () => run(['nft', 'delete', 'table', 'inet', 'f2b-table']),
  }
}

/** As its action iptables-ipset-proto6 does, but dropped. */
function ipset(): Subject {
  return {
    name: `Fail2ban's ipset action`,
    bansMax: 10_000,
    note: 'a set and a rule of INPUT',
    async setUp(addresses) {
      const lines = ['create f2b-sshd hash:ip timeout 600', ...addresses.map((text) => `add f2b-sshd ${text}`)]
      await run(['ipset', 'restore'], `${lines.join('\n')}\n`)
      await run(
        ['iptables-restore', '--noflush'],
        '*filter\n-A INPUT -p tcp -m multiport --dports 22 -m set --match-set f2b-sshd src -j DROP\nCOMMIT\n',
      )
    },
    async tearDown() {
      await run(['iptables', '-F', 'INPUT'])
      await run(['ipset', 'destroy', 'f2b-sshd'])
    },
  }
}

/** As its action iptables-multiport does, but dropped. */
function iptables(version: string): Subject {
  return {
    name: `Fail2ban's iptables action`,
    bansMax: 10_000,
    note: `a rule for each address; ${version}`,
    setUp: (addresses) =>
      run(
        ['iptables-restore', '--noflush'],
        [
          '*filter',
          ':f2b-sshd - [0:0]',
          '-A INPUT -p tcp -m multiport --dports 22 -j f2b-sshd',
          ...addresses.map((text) => `-A f2b-sshd -s ${text} -j DROP`),
          '-A f2b-sshd -j RETURN',
          'COMMIT\n',
        ].join('\n'),
      ),
    async tearDown() {
      for (const words of [
        ['-F', 'INPUT'],
        ['-F', 'f2b-sshd'],
        ['-X', 'f2b-sshd'],
      ])
        await run(['iptables', ...words])
    },
  }
}

async function run(argv: readonly string[], stdin = ''): Promise<void> {
  const { exitCode, stderr } = await runChild(argv, { stdin, timeoutMs: 120_000 })
  if (exitCode !== 0) throw new Error(`${argv.join(' ')} gave exit code ${exitCode}: ${stderr}`)
}

/** In no order that a hash or a tree would like. */
function sources(count: number): number[] {
  return Array.from({ length: count }, (_, n) => (0x0a000000 | (Math.imul(n, 0x9e3779b1) & 0xffffff)) >>> 0)
}

function textOf(source: number): string {
  return [24, 16, 8, 0].map((shift) => (source >>> shift) & 255).join('.')
}

function ipOfText(text: string) {
  return ipOf(Uint8Array.from(text.split('.').map(Number)))
}
