import assert from 'node:assert/strict'
import { type Ip, parseIp } from '../../domain/address.js'
import type { Level } from '../member.js'
import { banWord, memberOf, startMs } from '../message/message-kit.js'
import type { BanWord, Word } from '../word.js'
import type { Circumstances, Judge } from './judge.js'
import type { Verdict } from './verdict.js'

/** For tests of the judge: what a word is judged by, where a test says nothing else. */
export type About = Partial<Circumstances> & { level?: Level }

export const hourMs = 3_600_000
export const dayMs = 24 * hourMs

export function given(word: Word, { level = 'own', ...more }: About = {}): Circumstances {
  return {
    member: memberOf(word.node, { level }),
    ip: ip(word.ip),
    nowMs: startMs,
    protection: () => undefined,
    arrival: 'live',
    population: { ofNode: 0, ofFleet: 0, isKnown: false },
    ...more,
  }
}

export function ip(text: string): Ip {
  return parseIp(text) ?? assert.fail(text)
}

export function judged(judge: Judge, word: Word, about: About = {}): Verdict {
  return judge.judge(word, given(word, about))
}

/** Its effect, or why it has none. */
export function shown(verdict: Verdict): string {
  return verdict.kind === 'accept' ? verdict.effect : verdict.reason
}

/** One of many bans, each of another address. */
export function nth(n: number): BanWord {
  return banWord({ seq: n + 1, ip: `203.0.${113 + (n >> 8)}.${n & 255}` })
}
