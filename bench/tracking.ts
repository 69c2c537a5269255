import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { FailureWindow } from '../src/jail/failure-window.js'

/** Memory for each tracked address: 1,000,000 addresses that each failed once, with a line of a real sshd's length. */
const addresses = Number(process.argv[2] ?? 1_000_000)
setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')
const heldBytes = () => {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const before = heldBytes()
const window = new FailureWindow({ findTimeMs: 600_000, maxmatches: 5, ticketsMax: addresses })
const startMs = Date.now()
const cpu = process.cpuUsage()
for (let i = 0; i < addresses; i++) {
  const id = `${10 + (i >> 24)}.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`
  const line = Buffer.from(
    `Nov 21 05:20:00 web1 sshd[${10_000 + (i % 50_000)}]: Failed password for invalid user admin from ${id} port ${1024 + (i % 60_000)} ssh2`,
  ).toString('latin1')
  window.record({
    id,
    timeMs: startMs,
    lines: [line],
    data: { mlfid: ` web1 sshd[${10_000 + (i % 50_000)}]: `, user: 'admin', ip4: id },
  })
}
const { user, system } = process.cpuUsage(cpu)
const bytesEach = Math.round((heldBytes() - before) / addresses)
const rssMiB = Math.round(process.memoryUsage.rss() / 2 ** 20)
console.log(
  JSON.stringify({
    bench: 'tracking',
    addresses,
    tracked: window.failedNow(startMs),
    bytesEach,
    rssMiB,
    microsecondsEach: (user + system) / addresses,
  }),
)
console.log(`tracking   ${addresses} addresses that failed once   ${bytesEach} bytes each   reach <= 300`)
