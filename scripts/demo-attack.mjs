// What the demo's attacker leaves in the log: our own lines, or those of a real log. Used by demo.mjs.
import { readFileSync } from 'node:fs'
import { attacker } from './demo-stage.mjs'

/** A file given as argument: so many lines from the attacker's first one on. */
const replayLinesMax = 200
const address = /(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])/g
const date =
  /^(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?) /

/** Lines without their dates, and the pause after each. */
export function ownAttack() {
  const said = (pid, port, words) => `web1 sshd[${pid}]: ${words} from ${attacker} port ${port}`
  const lines = [
    said(4711, 51022, 'Invalid user admin'),
    `${said(4711, 51022, 'Failed password for invalid user admin')} ssh2`,
    `${said(4713, 51088, 'Failed password for root')} ssh2`,
    `${said(4713, 51088, 'Failed password for root')} ssh2`,
    said(4716, 51130, 'Invalid user oracle'),
    `${said(4716, 51130, 'Failed password for invalid user oracle')} ssh2`,
    `${said(4719, 51174, 'Failed password for root')} ssh2`,
  ]
  return { lines, pauseMs: 400 }
}

/** A real log: whoever is in most of its lines is our attacker, and the dates are today's. */
export function recordedAttack(file) {
  const text = readFileSync(file, 'latin1')
  const counts = new Map()
  for (const [found] of text.matchAll(address)) counts.set(found, (counts.get(found) ?? 0) + 1)
  const [[busiest] = []] = [...counts].sort(([, a], [, b]) => b - a)
  if (busiest === undefined)
    throw new Error(`${file} has no IPv4 address in it; give it an sshd log with failed logins`)
  const all = text.split('\n')
  const lines = all.slice(all.findIndex((line) => line.includes(busiest))).slice(0, replayLinesMax)
  const rewritten = (line) => line.replace(date, '').replace(address, (found) => (found === busiest ? attacker : found))
  return { lines: lines.filter(Boolean).map(rewritten), pauseMs: 25 }
}

/** A syslog line of this second. */
export function dated(line) {
  const [, month, day, , time] = new Date().toString().match(/^\w+ (\w+) (\d+) (\d+) (\S+)/)
  return `${month} ${String(Number(day)).padStart(2)} ${time} ${line}`
}
