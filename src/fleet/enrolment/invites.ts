import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import path from 'node:path'
import { isNodeName, type Level } from '../member.js'
import { type FleetDir, operatorName } from './fleet-dir.js'
import { isInviteId } from './invitation.js'

export const inviteLifeMs = 3_600_000

/** `invites/ID.json`: of the secret only the hash, so that who reads the directory cannot join. */
export interface Invite {
  id: string
  name: string
  /** Missing in files from before there was a choice: own. */
  level?: Level
  secretHash: string
  expiresMs: number
  /** Key of the machine that has used it: it may ask again, should the answer have been lost; nobody else may. */
  usedBy?: string
}

/** Makes an invite for a machine of that name. Throws when there is such a member in good standing. */
export function makeInvite(
  dir: FleetDir,
  { name, level }: { name: string; level: Level },
  nowMs: number,
): { id: string; secret: string; expiresMs: number } {
  if (!isNodeName(name) || name === operatorName)
    throw new Error(
      `Cannot invite ${JSON.stringify(name)}: a machine's name has 1 to 32 of a-z, 0-9 and -, and is not ${operatorName}`,
    )
  const member = dir.member(name)
  if (member !== undefined && member.revokedAtMs === undefined)
    throw new Error(`${name} is in the fleet already; 'tocsin fleet revoke ${name}' puts it out`)
  removeOld(dir, nowMs)
  const id = randomBytes(8).toString('hex')
  const secret = randomBytes(16).toString('base64url')
  const expiresMs = nowMs + inviteLifeMs
  writeInvite(dir, { id, name, level, secretHash: hashOf(secret), expiresMs })
  return { id, secret, expiresMs }
}

/** Why this invite does not let in this machine. */
export type Objection = string

/** Whether this invite lets in this machine; how far it is to be believed. The caller redeems it in the same turn of the event loop: two at once cannot both have it. */
export function examine(
  dir: FleetDir,
  { id, secret, name, key }: { id: string; secret: string; name: string; key: string },
  nowMs: number,
): { invite: Invite } | { objection: Objection } {
  const invite = readInvite(dir, id)
  if (invite === undefined)
    return { objection: 'There is no such invitation here: it has expired, or is of another fleet' }
  const [given, wanted] = [Buffer.from(hashOf(secret)), Buffer.from(invite.secretHash)]
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
    return { objection: 'The secret of the invitation is wrong: it was changed on its way' }
  if (invite.name !== name) return { objection: `The invitation is for ${invite.name}, not for ${name}` }
  if (nowMs >= invite.expiresMs)
    return { objection: `The invitation has expired (${new Date(invite.expiresMs).toISOString()}): ask for a new one` }
  if (invite.usedBy !== undefined && invite.usedBy !== key)
    return { objection: 'The invitation has been used already, by another machine. If that was not you, revoke it' }
  return { invite }
}

/** From now on it is for the machine with this key alone. */
export function redeem(dir: FleetDir, invite: Invite, key: string): { level: Level } {
  if (invite.usedBy !== key) writeInvite(dir, { ...invite, usedBy: key })
  return { level: invite.level ?? 'own' }
}

function readInvite(dir: FleetDir, id: string): Invite | undefined {
  if (!isInviteId(id)) return undefined
  const text = dir.read(path.join('invites', `${id}.json`))
  if (text === undefined) return undefined
  // Our own file, for root alone: whoever can write a wrong one there can do anything.
  return JSON.parse(text) as Invite
}

function writeInvite(dir: FleetDir, invite: Invite): void {
  dir.write(path.join('invites', `${invite.id}.json`), `${JSON.stringify(invite)}\n`)
}

/** A day after its end an invite is forgotten; until then the sentence says that it has expired. */
const rememberedMs = 86_400_000

function removeOld(dir: FleetDir, nowMs: number): void {
  for (const file of dir.list('invites')) {
    const invite = readInvite(dir, file.replace(/\.json$/, ''))
    if (invite !== undefined && nowMs - invite.expiresMs > rememberedMs) dir.remove(path.join('invites', file))
  }
}

function hashOf(secret: string): string {
  return createHash('sha256').update(`tocsin invite ${secret}`).digest('base64url')
}
