// `npm start`: installs, builds when needed, runs the daemon in the foreground on the shipped configuration.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import path from 'node:path'
import { ensureBuilt } from './build.mjs'
import { ensureInstalled, root } from './ensure-installed.mjs'

ensureInstalled()
await ensureBuilt()

// A session of its own: Ctrl-C reaches the whole process group and npm passes it on once more, so we would hear it twice and the
// daemon up to three times. Only what we forward reaches the daemon.
const daemon = spawn(
  process.execPath,
  [path.join(root, 'bin', 'tocsin'), 'serve', '-c', path.join(root, 'config'), '--verbose', ...process.argv.slice(2)],
  { stdio: 'inherit', detached: true },
)

let isStopping = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
  process.on(signal, () => {
    if (isStopping) return
    isStopping = true
    // A closed terminal means stop; to a daemon SIGHUP means something else.
    daemon.kill(signal === 'SIGINT' ? 'SIGINT' : 'SIGTERM')
  })
}

// Nobody is left to stop the daemon when npm was killed: then we do.
const parent = process.ppid
const orphanCheckMs = 1000
setInterval(() => {
  if (process.ppid === parent || isStopping) return
  isStopping = true
  daemon.kill('SIGTERM')
}, orphanCheckMs).unref()

daemon.on('error', (error) => {
  console.error(`tocsin: cannot start ${process.execPath}: ${error.message}`)
  process.exitCode = 1
})
daemon.on('exit', (code, signal) => {
  process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
})
