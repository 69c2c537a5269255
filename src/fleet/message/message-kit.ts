import type { Level, Member } from '../member.js'
import type { BanWord, SightingWord, UnbanWord } from '../word.js'
import { type KeyPair, keyPairOf } from './key.js'

/** For tests of the fleet: members with keys that are always the same. */
export const startMs = Date.UTC(2026, 10, 21, 12)

export function keysOf(name: string): KeyPair {
  const known = made.get(name)
  if (known !== undefined) return known
  const seed = Buffer.alloc(32)
  seed.write(name)
  const pair = keyPairOf(seed)
  made.set(name, pair)
  return pair
}

const made = new Map<string, KeyPair>()

export function memberOf(name: string, more: { level?: Level; sinceMs?: number; revokedAtMs?: number } = {}): Member {
  const { publicKey } = keysOf(name)
  return { name, publicKey, level: 'own', sinceMs: 0, revokedAtMs: undefined, ...more }
}

export function banWord(more: Partial<BanWord> = {}): BanWord {
  const told = { node: 'web7', seq: 48_211, atMs: startMs, ip: '203.0.113.9', jail: 'sshd' }
  return { kind: 'ban', ...told, untilMs: startMs + 3_600_000, failures: 5, byHand: false, ...more }
}

export function unbanWord(more: Partial<UnbanWord> = {}): UnbanWord {
  const told = { node: 'web7', seq: 48_212, atMs: startMs, ip: '203.0.113.9', jail: undefined }
  return { kind: 'unban', ...told, everywhere: false, untilMs: startMs + 3_600_000, ...more }
}

export function sightingWord(more: Partial<SightingWord> = {}): SightingWord {
  const told = { node: 'web7', seq: 48_213, atMs: startMs, ip: '203.0.113.9', jail: 'sshd' }
  return { kind: 'sighting', ...told, failures: 3, windowMs: 600_000, ...more }
}
