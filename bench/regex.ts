// CPU time of one run of fail2ban-regex, start and all: what an operator waits for who tries a filter.
import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { attackLog, stamped } from './kit/attack-log.js'
import { hasDebianConfiguration } from './kit/configuration.js'
import { cpuSecondsOfChildren } from './kit/process-cost.js'
import { print, type Row } from './kit/report.js'
import { findProgram, makeWorkspace, root, versionOf } from './kit/workspace.js'

const runs = 7
const peerRuns = 3
const lineCount = 200_000
const corpus = attackLog()
const workspace = makeWorkspace('regex')
const long = path.join(workspace, 'long.log')
writeFileSync(long, stamped(corpus, lineCount, 300))
const short = path.join(workspace, 'short.log')
writeFileSync(short, stamped({ ...corpus, lines: corpus.lines.slice(0, 1) }, 1, 1))

const config = hasDebianConfiguration ? '/etc/fail2ban' : path.join(root, 'config')
const own = [process.execPath, path.join(root, 'bin', 'fail2ban-regex')]
const ownFace = [process.execPath, path.join(root, 'bin', 'tocsin'), 'regex']
// Debian's own interpreter: another one would not find the package.
const peer = findProgram('fail2ban-regex')
const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : undefined

const longMeasure = '200,000 lines'
const shortMeasure = 'one line: the start'
const rowsMeasure = '200,000 lines, -o row'

const rows: Row[] = [
  { ...measured(longMeasure, [...own, '-c', config, long, 'sshd']), reach: 0.5 },
  measured(rowsMeasure, [...own, '-c', config, '-o', 'row', long, 'sshd']),
  measured(shortMeasure, [...own, '-c', config, short, 'sshd']),
  measured('200,000 lines, tocsin regex with times', [...ownFace, '-c', config, long, 'sshd']),
]
const remarks: string[] = []
if (peer !== undefined && python !== undefined && hasDebianConfiguration) {
  const subject = versionOf(peer)
  const command = [python, peer, '-c', config]
  const filter = path.join(config, 'filter.d', 'sshd.conf')
  rows.push(
    measured(longMeasure, [...command, long, filter], { subject, times: peerRuns }),
    measured(rowsMeasure, [...command, '-o', 'row', long, filter], { subject, times: peerRuns }),
    measured(shortMeasure, [...command, short, filter], { subject, times: peerRuns }),
  )
} else remarks.push('Fail2ban is not installed: not compared with it.')

print({
  benchmark: 'regex',
  method: `${corpus.origin} repeated to ${lineCount} lines; the stock sshd filter; user and system CPU time of the whole process, its threads and children`,
  rows,
  remarks,
})

function measured(
  measure: string,
  [program = '', ...args]: readonly string[],
  { subject = 'tocsin', times = runs } = {},
): Row {
  const values = Array.from({ length: times }, () => {
    const before = cpuSecondsOfChildren()
    const { status, stderr } = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' })
    if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}: ${stderr}`)
    return cpuSecondsOfChildren() - before
  })
  return { measure, subject, unit: 's', values }
}
