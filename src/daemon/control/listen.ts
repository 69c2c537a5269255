import { resolveTxt } from 'node:dns/promises'
import { type ControlSocket, listenControl } from '../../compat/control-socket.js'
import { Transmitter } from '../../compat/transmitter.js'
import { groupId } from '../group-id.js'
import type { State } from '../state.js'
import type { Control } from './control.js'

/** Fail2ban's own socket, where its clients find us. Rejects with a sentence. */
export function listenForClients(control: Control, { config, paths, log, clock }: State): Promise<ControlSocket> {
  const transmitter = new Transmitter({ server: control, log, clock, resolveTxt })
  const { group } = config.own.api
  return listenControl({
    path: paths.controlSocket,
    answer: (request, rights) => transmitter.answer(request, rights),
    log,
    ...(group !== undefined && { group: groupId(group) }),
  })
}
