import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { randomOf } from '../../src/fleet/seeded-random.js'
import { root } from './workspace.js'

/** Lines of an sshd under attack, each beginning with a syslog date (`Dec 10 06:55:46`, 15 characters), and where they come from. */
export interface Corpus {
  origin: string
  lines: string[]
}

const dateLength = 15
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/**
 * A real log, from the directory that TOCSIN_BENCH_LOGS names or that stands beside the checkout; else one that we make.
 * The real one is loghub's OpenSSH sample (https://github.com/logpai/loghub; Zhu, He, He, Liu, Lyu: Loghub, ISSRE 2023).
 */
export function attackLog(): Corpus {
  const dir = process.env.TOCSIN_BENCH_LOGS ?? path.join(root, '..', 'shared', 'data')
  const name = existsSync(dir) ? readdirSync(dir).find((file) => /^openssh.*\.log$/i.test(file)) : undefined
  if (name === undefined) return { origin: 'a log made by the benchmark (2,000 lines)', lines: madeLines(2000) }
  const lines = readFileSync(path.join(dir, name), 'utf8')
    .split(/\r?\n/)
    .filter((line) => /^\w{3} [ \d]\d /.test(line))
  return { origin: `${name} (loghub, ${lines.length} lines)`, lines }
}

/** The corpus over and over until there are `count` lines, dated evenly over the last `spreadSeconds` seconds, in local time. */
export function stamped({ lines }: Corpus, count: number, spreadSeconds: number): string {
  const bodies = lines.map((line) => line.slice(dateLength))
  const firstSecond = Math.floor(Date.now() / 1000) - spreadSeconds
  const dates = Array.from({ length: spreadSeconds }, (_, second) => syslogDate(firstSecond + second))
  const out: string[] = []
  for (let i = 0; i < count; i++)
    out.push(dates[Math.floor((i * spreadSeconds) / count)] ?? '', bodies[i % bodies.length] ?? '', '\n')
  return out.join('')
}

export function syslogDate(epochSeconds = Math.floor(Date.now() / 1000)): string {
  const date = new Date(epochSeconds * 1000)
  const two = (value: number) => String(value).padStart(2, '0')
  const day = String(date.getDate()).padStart(2, ' ')
  return `${months[date.getMonth()]} ${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

const names = ['root', 'admin', 'test', 'oracle', 'git', 'ubuntu', 'deploy', 'postgres', 'pi', 'support', 'ftp', 'web']

/** What sshd writes while it is attacked: each attempt is a little story. The same at every call. */
function madeLines(count: number): string[] {
  const random = randomOf(20)
  const pick = (bound: number) => Math.floor(random() * bound)
  const attackers = Array.from({ length: 40 }, () => `198.51.${100 + pick(100)}.${1 + pick(250)}`)
  const lines: string[] = []
  while (lines.length < count) {
    const head = `Jan  1 00:00:00 gate sshd[${1000 + pick(30_000)}]: `
    const from = attackers[pick(attackers.length)] ?? ''
    const name = names[pick(names.length)] ?? ''
    const port = 1024 + pick(60_000)
    for (const text of story(pick(6), { from, name, port })) lines.push(head + text)
  }
  return lines.slice(0, count)
}

function story(kind: number, { from, name, port }: { from: string; name: string; port: number }): string[] {
  const pam = `pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=${from} `
  if (kind === 0) return [`Connection closed by ${from} port ${port} [preauth]`]
  if (kind < 4)
    return [
      `Invalid user ${name} from ${from} port ${port}`,
      'pam_unix(sshd:auth): check pass; user unknown',
      pam,
      `Failed password for invalid user ${name} from ${from} port ${port} ssh2`,
      `Received disconnect from ${from} port ${port}:11: Bye Bye [preauth]`,
    ]
  return [
    `${pam} user=root`,
    `Failed password for root from ${from} port ${port} ssh2`,
    `Connection closed by authenticating user root ${from} port ${port} [preauth]`,
  ]
}
