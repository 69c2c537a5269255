// The two ends of the demo's connections, each run in its namespace by demo-stage.mjs: `demo-ends.mjs server` and `… attacker ADDRESS`.
// Both end with their standard input, so none of them outlives the demo.
import { connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'

const port = 22
const connectMaxMs = 1500

const [, , end, address] = process.argv
process.stdin.on('end', () => process.exit(0)).resume()
if (end === 'server') {
  // Greets like an sshd, so that a connection counts as working only when data has come through.
  createServer((socket) => socket.on('error', () => {}).end('SSH-2.0-demo\r\n')).listen(port, () =>
    console.log('listening'),
  )
} else {
  // One connection attempt for each line, one line of JSON as the answer.
  for await (const _ of createInterface({ input: process.stdin })) console.log(JSON.stringify(await attempt()))
}

function attempt() {
  return new Promise((resolve) => {
    const started = performance.now()
    const socket = connect(port, address)
    const done = (answer) => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ ...answer, ms: performance.now() - started })
    }
    const timer = setTimeout(() => done({ ok: false, why: 'timeout' }), connectMaxMs)
    socket.once('data', () => done({ ok: true }))
    socket.on('error', (error) => done({ ok: false, why: error.code }))
    socket.once('end', () => done({ ok: false, why: 'closed without a greeting' }))
  })
}
