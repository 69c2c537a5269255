import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { parseIp } from '../../src/domain/address.js'
import type { Enforcer } from '../../src/domain/enforcer.js'
import { IpsetEnforcer } from '../../src/firewall/ipset.js'
import { ipsetName } from '../../src/firewall/ipset-layout.js'
import { IpsetTool } from '../../src/firewall/ipset-tool.js'
import { KernelEnforcer } from '../../src/firewall/kernel.js'
import { runChild } from '../../src/lib/child.js'
import { systemClock as clock } from '../../src/lib/clock.js'
import { address } from './kernel-sets.js'
import type { Row } from './report.js'
import { findProgram } from './workspace.js'

const runs = 3
/** Enough that what others do to the kernel's memory in the meantime is little. */
const banCount = 1_000_000
/** More take minutes. */
const ipsetCount = 250_000
const ruleCount = 10_000
/** The kernel frees later what was removed. */
const settleMs = 1_500

interface Holder {
  subject: string
  count: number
  note: string
  put(addresses: readonly string[]): Promise<void>
  /** What it says itself; missing: what the kernel's memory has grown by. */
  size?(): Promise<number>
  remove(): Promise<void>
}

/** What bans need in the kernel. */
export async function kernelBans(): Promise<Row[]> {
  const rows: Row[] = []
  for (const { subject, count, note, put, size, remove } of holders()) {
    const addresses = Array.from({ length: count }, (_, n) => address(n))
    const values: number[] = []
    for (let run = 0; run < (size === undefined ? runs : 1); run++) {
      await pause(settleMs)
      const before = kernelBytes()
      await put(addresses)
      values.push((size === undefined ? kernelBytes() - before : await size()) / count)
      await remove()
    }
    rows.push({
      measure: 'a ban: kernel',
      subject,
      unit: 'bytes',
      values,
      note: `${count.toLocaleString('en')} bans, ${note}`,
    })
  }
  return rows
}

function holders(): Holder[] {
  const hasIpset = findProgram('ipset') !== undefined && findProgram('iptables-restore') !== undefined
  return [
    own('tocsin', () => new KernelEnforcer({ clock })),
    ...(hasIpset ? [ownByIpset()] : []),
    ...(findProgram('nft') === undefined ? [] : [nftables()]),
    ...(hasIpset ? [iptables()] : []),
  ]
}

function own(subject: string, make: () => Enforcer): Holder {
  let enforcer: Enforcer
  return {
    subject,
    count: banCount,
    note: 'each with its end and a counter',
    async put(addresses) {
      enforcer = make()
      await enforcer.arrange([{ jail: 'sshd', ports: 'all', protocols: [] }])
      const remainingMs = 3_600_000
      await enforcer.close(
        addresses.flatMap((text) => {
          const ip = parseIp(text)
          return ip === undefined ? [] : [{ jail: 'sshd', ip, remainingMs }]
        }),
      )
    },
    async remove() {
      await enforcer.clear()
      enforcer.release()
    },
  }
}

function ownByIpset(): Holder {
  const holder = own('tocsin, by = ipset', () => new IpsetEnforcer({ clock, tool: new IpsetTool(clock) }))
  return {
    ...holder,
    count: ipsetCount,
    note: `${holder.note}, as ipset tells`,
    async size() {
      const { stdout } = await runChild(['ipset', 'list', '-t', ipsetName('v4', 'sshd')], { timeoutMs: 10_000 })
      return Number(/^Size in memory: (\d+)$/m.exec(stdout)?.[1])
    },
  }
}

function nftables(): Holder {
  return {
    subject: "Fail2ban's nftables action",
    count: banCount,
    note: 'without end or counter',
    put: (addresses) =>
      run(
        ['nft', '-f', '-'],
        `add table inet f2b-table
add set inet f2b-table addr-set-sshd { type ipv4_addr; }
add element inet f2b-table addr-set-sshd { ${addresses.join(', ')} }
`,
      ),
    remove: () => run(['nft', 'delete', 'table', 'inet', 'f2b-table']),
  }
}

function iptables(): Holder {
  return {
    subject: "Fail2ban's iptables action",
    count: ruleCount,
    note: 'a rule for each, without end',
    put: (addresses) =>
      run(
        ['iptables-restore', '--noflush'],
        ['*filter', ':f2b-sshd - [0:0]', ...addresses.map((text) => `-A f2b-sshd -s ${text} -j DROP`), 'COMMIT\n'].join(
          '\n',
        ),
      ),
    async remove() {
      await run(['iptables', '-F', 'f2b-sshd'])
      await run(['iptables', '-X', 'f2b-sshd'])
    },
  }
}

/** Of the whole machine: proc(5). */
function kernelBytes(): number {
  const text = readFileSync('/proc/meminfo', 'latin1')
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1])
  return (kib('Slab') + kib('VmallocUsed')) * 1024
}

async function run(argv: readonly string[], stdin = ''): Promise<void> {
  const { exitCode, stderr } = await runChild(argv, { stdin, timeoutMs: 120_000 })
  if (exitCode !== 0) throw new Error(`${argv.join(' ')} gave exit code ${exitCode}: ${stderr}`)
}
