import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { it } from 'node:test'
import { tempDir } from '../../test/kit/temp-dir.js'
import { logLevels } from './log.js'
import { journalLog, syslogLog } from './system-log.js'

const options = { threshold: logLevels.INFO, pid: 123 }
const noPython = spawnSync('python3', ['--version']).status === 0 ? false : 'python3 is not installed'

it('marks lines for the journal with their severity', () => {
  const lines: string[] = []
  const log = journalLog(options, (text) => lines.push(text))
  log.write('NOTICE', 'actions', '[sshd] Ban 192.0.2.1')
  log.write('DEBUG', 'actions', 'unseen')
  assert.deepEqual(lines, ['<5>[sshd] Ban 192.0.2.1\n'])
})

it('reaches a real syslog socket in the form that Fail2ban has there', { skip: noPython }, async () => {
  const socket = path.join(tempDir(), 'log')
  const receiver =
    'import socket,sys; s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM); s.bind(sys.argv[1]); print("up",flush=True); print(s.recv(999).decode(),flush=True)'
  const daemon = spawn('python3', ['-c', receiver, socket])
  let said = ''
  daemon.stdout.on('data', (part) => {
    said += part
  })
  await once(daemon.stdout, 'data')
  const log = syslogLog(options, socket)
  log.write('NOTICE', 'actions', '[sshd] Ban 192.0.2.1')
  await once(daemon, 'close')
  // The receiver is gone: what is said now is lost, and nothing breaks.
  log.write('NOTICE', 'actions', 'into the void')
  log.close()
  assert.equal(said, 'up\n<29>fail2ban.actions[123]: NOTICE [sshd] Ban 192.0.2.1\n')
})

it('says what is wrong when nobody listens', () => {
  assert.throws(
    () => syslogLog(options, '/nonexistent/log'),
    /Cannot log to the syslog socket \/nonexistent\/log: ENOENT; is a syslog daemon running\?/,
  )
})
