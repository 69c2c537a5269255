import { existsSync, rmSync, statSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { startInBackground } from './background.js'
import { readCommands } from './configuration.js'
import { converse, isAnswering } from './conversation.js'
import { readPlaces } from './places.js'
import type { Session } from './session.js'

const lookAgainMs = 20

/** `start`: whether a server runs now that did not run before. With `-f` it runs in this process, and this returns at its end. */
export async function start(session: Session): Promise<boolean> {
  if (await isAnswering(session)) {
    session.log.say('ERROR', 'Server already running')
    return false
  }
  // Whoever started us with --async has read the configuration.
  if (!session.options.isAsync && readCommands(session) === undefined) return false
  return launch(session)
}

/** `restart`: a stop, if there is something to stop, and a start. With a wrong configuration the server that runs is left alone. */
export async function restart(session: Session): Promise<boolean> {
  if (readCommands(session) === undefined) return false
  const { places, options, print } = session
  if (options.isInteractive) print('  ## stop ... ')
  if (await converse(session, ['stop'])) {
    const isGone = () => !existsSync(places.socket) && !existsSync(places.pidfile)
    if (!(await until(isGone, options.timeoutMs))) {
      session.log.say('ERROR', `The server has not ended within ${options.timeoutMs / 1000} s; its log says why`)
      return false
    }
  }
  if (options.isInteractive) print('  ## start ... ')
  return launch(session)
}

/** Nobody answers on the socket. */
async function launch(session: Session): Promise<boolean> {
  const { options, places, log } = session
  if (existsSync(places.socket)) {
    if (!options.isForced) {
      log.say('ERROR', 'Fail2ban seems to be in unexpected state (not running but the socket exists)')
      return false
    }
    const found = statSync(places.socket)
    // As Fail2ban, which also removes a plain file; but no device: `socket = /dev/null` would cost the machine its own.
    if (!found.isSocket() && !found.isFile()) {
      log.say('ERROR', `Cannot remove ${places.socket}: it is no socket; name another one in fail2ban.local`)
      return false
    }
    rmSync(places.socket, { force: true })
  }
  if (!options.isForeground) return launchInBackground(session)
  const { runInForeground } = await import('./foreground.js')
  return runInForeground(session)
}

async function launchInBackground(session: Session): Promise<boolean> {
  const { options, log } = session
  const server = await startInBackground(session)
  try {
    let isUp = false
    await until(async () => {
      isUp = await isAnswering(relocated(session))
      return isUp || !server.isAlive()
    }, options.timeoutMs)
    // Another client that has started us asks for itself.
    if (isUp) return options.isAsync || (await converse(relocated(session), ['server-status']))
    const reason = server.said() || `it has not answered within ${options.timeoutMs / 1000} s`
    log.say('ERROR', `Could not start fail2ban-server: ${reason}`)
    return false
  } finally {
    server.forget()
  }
}

/** A server of somebody who is not root may listen elsewhere than the configuration says, which is seen once it does. */
function relocated(session: Session): Session {
  const places = readPlaces(session.options, { say() {}, sayAll() {} })
  return typeof places === 'string' ? session : { ...session, places }
}

/** Whether it has become true in time. */
async function until(isTrue: () => boolean | Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const giveUpMs = performance.now() + timeoutMs
  while (!(await isTrue())) {
    if (performance.now() > giveUpMs) return false
    await pause(lookAgainMs)
  }
  return true
}
