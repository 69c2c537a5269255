import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Corpus } from './attack-log.js'
import { root } from './workspace.js'

/** Stock jails that can read an access log. Some look for what only error logs have, as it is on many a server. */
export const webJails = [
  'apache-auth',
  'apache-badbots',
  'apache-botsearch',
  'apache-fakegooglebot',
  'apache-nohome',
  'apache-noscript',
  'apache-overflows',
  'nginx-bad-request',
  'nginx-botsearch',
  'php-url-fopen',
]

const date = /\[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]/

/** A real access log, from where `attackLog` has its own; else one that we make. */
export function accessLog(): Corpus {
  const dir = process.env.TOCSIN_BENCH_LOGS ?? path.join(root, '..', 'shared', 'data')
  const name = existsSync(dir) ? readdirSync(dir).find((file) => /access.*\.log$/i.test(file)) : undefined
  if (name === undefined) return { origin: 'a log made by the benchmark (1,000 lines)', lines: madeLines(1000) }
  const lines = readFileSync(path.join(dir, name), 'latin1')
    .split(/\r?\n/)
    .filter((line) => date.test(line))
  return { origin: `${name} (${lines.length} lines)`, lines }
}

/** The corpus over and over until there are `count` lines, dated evenly over the last `spreadSeconds` seconds. */
export function stampedAccess({ lines }: Corpus, count: number, spreadSeconds: number): string {
  const bodies = lines.map((line) => line.split(date))
  const firstSecond = Math.floor(Date.now() / 1000) - spreadSeconds
  const dates = Array.from({ length: spreadSeconds }, (_, second) => accessDate(firstSecond + second))
  const out: string[] = []
  for (let i = 0; i < count; i++) {
    const [before = '', ...behind] = bodies[i % bodies.length] ?? []
    out.push(before, dates[Math.floor((i * spreadSeconds) / count)] ?? '', behind.join(''), '\n')
  }
  return out.join('')
}

/** `[21/Nov/2026:07:09:19 +0000]`. */
function accessDate(epochSeconds: number): string {
  const [, day, month, year, clock] =
    /^\w+, (\d+) (\w+) (\d+) (\S+)/.exec(new Date(epochSeconds * 1000).toUTCString()) ?? []
  return `[${day}/${month}/${year}:${clock} +0000]`
}

/** Visitors, and now and then somebody who looks for holes. The same at every call. */
function madeLines(count: number): string[] {
  const agents = [
    'Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0',
    'Mozilla/5.0 (iPhone; CPU iPhone OS 16_5 like Mac OS X)',
  ]
  return Array.from({ length: count }, (_, i) => {
    const from = `198.51.${100 + (i % 97)}.${1 + (i % 250)}`
    const isProbe = i % 100 === 0
    const [target, status] = isProbe
      ? ['/phpmyadmin/scripts/setup.php', 404]
      : [`/articles/${i % 300}?page=${i % 7}`, 200]
    const agent = agents[i % agents.length]
    return `${from} - - [01/Jan/2026:00:00:00 +0000] "GET ${target} HTTP/1.1" ${status} ${500 + i} "https://www.example.org/" "${agent}"`
  })
}
