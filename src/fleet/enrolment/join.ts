import { once } from 'node:events'
import { isIP } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { messageOf } from '../../lib/error-message.js'
import { keyPairOf, publicKeyText } from '../message/key.js'
import { pinOf } from '../nats/certificates.js'
import { brokerKeyPair, nkeyText } from '../nats/nkey.js'
import { firstLine } from './enrol-server.js'
import { type JoinAnswer, joinRequest, readJoinAnswer } from './exchange.js'
import type { FleetDir, FleetFacts } from './fleet-dir.js'
import type { Invitation } from './invitation.js'

const patienceMs = 20_000

export interface JoinOptions {
  /** How far this machine's clock is ahead of the other side's, in milliseconds; negative: behind. */
  onClock?: (aheadMs: number) => void
}

/**
 * Makes this machine a member: its keys are made here and stay here. Rejects with a sentence when it is not let in; the same
 * invitation works again from here then, if it did not expire.
 */
export async function join(
  dir: FleetDir,
  invitation: Invitation,
  nowMs: number,
  { onClock }: JoinOptions = {},
): Promise<FleetFacts> {
  const { fleet, name } = invitation
  const here = dir.facts()
  if (here !== undefined && (here.fleet !== fleet || here.name !== name))
    throw new Error(`This machine is ${here.name} in the fleet ${here.fleet} already; to leave it, remove ${dir.path}`)
  if (here !== undefined) {
    // Done twice it changes nothing, whether the other side is there or not; but who was revoked meanwhile has to know.
    const answer = nowMs < invitation.expiresMs ? await enrolled(dir, invitation).catch(() => undefined) : undefined
    if (answer?.ok === false) throw refusal(invitation, answer)
    return here
  }
  // Whether it has expired the other side says, by its clock: ours may be wrong.
  const answer = await enrolled(dir, invitation)
  if (!answer.ok) throw refusal(invitation, answer)
  const { authority, card, url, operatorKey, sinceMs } = answer
  if (answer.nowMs !== undefined) onClock?.(nowMs - answer.nowMs)
  dir.write('authority.pem', authority)
  dir.write('nats.jwt', `${card}\n`)
  // Last: with it the machine is a member.
  const facts: FleetFacts = { fleet, name, role: 'node', url, operatorKey, sinceMs }
  dir.writeFacts(facts)
  return facts
}

type Answer = JoinAnswer & { authority: string }

/** What the other side answers to who shows the invitation and has this machine's key; made when there is none. */
async function enrolled(dir: FleetDir, invitation: Invitation): Promise<Answer> {
  const { fleet, name, id, secret } = invitation
  const seed = dir.nodeSeed()
  const [words, broker] = [keyPairOf(seed), brokerKeyPair(seed)]
  const key = publicKeyText(words.publicKey)
  const brokerKey = nkeyText('user', broker.publicKey)
  const authority = await pinnedAuthority(invitation)
  const answer = await ask(invitation, authority, joinRequest({ fleet, id, secret, name, key, brokerKey }, words))
  return { ...answer, authority }
}

function refusal({ name, fleet }: Invitation, { reason }: { reason: string }): Error {
  return new Error(`${name} may not join the fleet ${fleet}: ${reason}`)
}

/** The certificate of the authority that the other side shows, if it is the one that the invitation names. Nothing is sent to it yet. */
async function pinnedAuthority(invitation: Invitation): Promise<string> {
  const socket = await connected(invitation, { rejectUnauthorized: false })
  const shown = socket.getPeerCertificate(true).issuerCertificate
  socket.destroy()
  if (shown === undefined || pinOf(shown.raw) !== invitation.pin)
    throw new Error(
      `${placeOf(invitation)} is not the machine that has invited us: its certificate is another one. Nothing was sent to it`,
    )
  const lines = shown.raw.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}

async function ask(invitation: Invitation, authority: string, request: object): Promise<JoinAnswer> {
  // NOTE: the authority certifies the fleet's servers alone, each also as "localhost": by which of their addresses we came does not matter.
  const socket = await connected(invitation, { ca: authority, checkServerIdentity: () => undefined })
  const line = new Promise<string | undefined>((resolve) => {
    firstLine(socket, resolve)
    socket.once('close', () => resolve(undefined))
  })
  socket.write(`${JSON.stringify(request)}\n`)
  const text = await line
  socket.destroy()
  const answer = text === undefined ? undefined : readJoinAnswer(text)
  if (answer === undefined) throw new Error(`${placeOf(invitation)} gave no answer that we understand: try again`)
  return answer
}

async function connected(
  { host, port, ...rest }: Invitation,
  tls: { ca?: string; rejectUnauthorized?: boolean; checkServerIdentity?: () => undefined },
): Promise<TLSSocket> {
  const socket = connect({ host, port, ...tls, ...(isIP(host) ? {} : { servername: host }) })
  socket.setTimeout(patienceMs, () => socket.destroy(new Error('it does not answer')))
  try {
    await once(socket, 'secureConnect')
  } catch (cause) {
    socket.destroy()
    throw new Error(`Cannot reach ${placeOf({ host, port, ...rest })}: ${whyNot(cause)}`, { cause })
  }
  socket.on('error', () => socket.destroy())
  return socket
}

/** What we saw, and what to look at. OpenSSL's own words have several lines and help nobody. */
function whyNot(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  if (/^(?:ERR_SSL_|EPROTO)/.test(code))
    return 'somebody answers there who does not speak TLS. Machines join at the port after the one of the broker; is it tocsin?'
  if (/^CERT_(?:NOT_YET_VALID|HAS_EXPIRED)$/.test(code))
    return `${messageOf(cause)}. Is the clock of this machine right? It says ${new Date().toISOString()}`
  return `${messageOf(cause)}. Is tocsin running there, and its port open?`
}

function placeOf({ host, port }: Invitation): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
