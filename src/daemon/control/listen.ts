import { resolveTxt } from 'node:dns/promises'
import { type ControlSocket, listenControl } from '../../compat/control-socket.js'
import { inheritedSocket } from '../../compat/inherited-socket.js'
import { Transmitter } from '../../compat/transmitter.js'
import { groupId } from '../group-id.js'
import type { State } from '../state.js'
import type { Control } from './control.js'

export interface ClientSocket extends ControlSocket {
  /** From now on clients hear that the server ends. */
  end(): void
}

/**
 * Fail2ban's own socket, where its clients find us; a service manager may have opened it (sd_listen_fds(3)). They are answered from when
 * the daemon is ready. Rejects with a sentence.
 */
export async function listenForClients(
  control: Control,
  { config, paths, log, clock }: State,
  ready: Promise<void>,
): Promise<ClientSocket> {
  const transmitter = new Transmitter({ server: control, log, clock, resolveTxt })
  const { group } = config.own.api
  const inheritedFd = inheritedSocket(process.env, process.pid)
  const socket = await listenControl({
    path: paths.controlSocket,
    answer: async (request, rights) => {
      await ready
      return transmitter.answer(request, rights)
    },
    log,
    ...(group !== undefined && { group: groupId(group) }),
    ...(inheritedFd !== undefined && { inheritedFd }),
  })
  return { end: () => transmitter.end(), close: () => socket.close() }
}
