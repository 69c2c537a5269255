import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import path from 'node:path'
import { after } from 'node:test'
import { connectControl } from '../../src/compat/control-client.js'
import { root } from '../kit/build.js'
import { waitUntil } from '../kit/wait-until.js'
import type { SessionHouse } from './house.js'

/** As root our server would put its table into the machine's own packet filter. */
export const apart = spawnSync('unshare', ['--net', 'true']).status === 0 ? ['unshare', '--net'] : []

const serverPrograms = {
  debian: [...apart, '/usr/bin/fail2ban-server'],
  own: [...apart, process.execPath, path.join(root, 'bin/fail2ban-server')],
}

/** None outlives the test file, also when a test fails. */
const started: ChildProcess[] = []
after(() => {
  for (const server of started) server.kill('SIGKILL')
})

/** Starts a server in the foreground, and waits until it is ready. */
export async function startServer(kind: keyof typeof serverPrograms, house: SessionHouse): Promise<ChildProcess> {
  const [file = '', ...words] = serverPrograms[kind]
  const server = spawn(file, [...words, '-f', '-c', house.config, 'start'], {
    // Python names the encoding of a log as the locale does; ours is always UTF-8.
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  let isEnded = false
  for (const stream of [server.stdout, server.stderr])
    stream.on('data', (piece) => {
      said += piece
    })
  server.once('exit', () => {
    isEnded = true
  })
  started.push(server)
  await waitUntil(
    async () => isEnded || (said.includes('Server ready') && (await isReady(house))),
    () => `the server is ready; it says:\n${said}`,
    20_000,
  )
  if (isEnded) throw new Error(`The server has ended; it said:\n${said}`)
  return server
}

async function isReady(house: SessionHouse): Promise<boolean> {
  try {
    const connection = await connectControl(house.socket)
    connection.close()
    return true
  } catch {
    return false
  }
}
