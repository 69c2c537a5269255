import assert from 'node:assert/strict'
import type { Ip } from '../../domain/address.js'
import { isNodeName, type Member } from '../member.js'
import type { Word } from '../word.js'
import { type Opened, type OpenOptions, openFields, type SealOptions, sealFields } from './envelope.js'
import { type Refused, refused } from './refusal.js'
import { type Subject, shardOf } from './subject.js'
import { type DecodedWord, decodeWord, encodeWord } from './word-code.js'

/** So many words share one signature at most. The longest of them still fit into a message. */
export const wordsMax = 128

export interface Believed {
  /** In the order of their numbers. Each with the address it speaks of. */
  words: readonly DecodedWord[]
  member: Member
}

/**
 * Words of one node under one signature, for one subject of one fleet. They are the node's own, numbered upwards, and belong on that
 * subject; anything else is a mistake of the caller.
 */
export function seal(words: readonly Word[], options: SealOptions): Uint8Array {
  assert(words.length > 0 && words.length <= wordsMax, `${words.length} words in one message`)
  for (const word of words) {
    assert(word.node === options.node, `a word of ${word.node}, sealed by ${options.node}`)
    assert(canBeTold(word), `no word that others would take: ${JSON.stringify(word)}`)
  }
  return sealFields({ e: words.map(encodeWord) }, options)
}

/** Whether others will understand it: its address canonical, its jail's name at most 64 characters and none of them invisible, its times of this age. */
export function canBeTold(word: Word): boolean {
  return isNodeName(word.node) && decodeWord(encodeWord(word), word.node) !== undefined
}

/** The words in anybody's bytes, if they are a member's, whole, for here and well formed; or why nothing in them is believed. */
export function open(body: Uint8Array, options: OpenOptions): Believed | Refused {
  const opened = openFields(body, options)
  return 'refused' in opened ? opened : wordsOf(opened)
}

function wordsOf({ fields, member, subject }: Opened): Believed | Refused {
  const { name, sinceMs } = member
  const { e: entries, ...more } = fields
  if (!Array.isArray(entries) || Object.keys(more).length > 0)
    return refused('malformed', 'it is no list of words', name)
  if (entries.length === 0 || entries.length > wordsMax)
    return refused('too-large', `it has ${entries.length} words`, name)
  const words: DecodedWord[] = []
  for (const entry of entries as unknown[]) {
    const decoded = decodeWord(entry, name)
    const { seq = 0 } = words.at(-1)?.word ?? {}
    if (decoded === undefined || decoded.word.seq <= seq)
      return refused('malformed', `its word ${words.length + 1} is none that we know`, name)
    if (!belongs(decoded, subject))
      return refused('foreign-subject', `its word ${words.length + 1} does not belong there`, name)
    if (decoded.word.atMs < sinceMs)
      return refused('before-epoch', `its word ${words.length + 1} is from before ${name} joined`, name)
    words.push(decoded)
  }
  return { words, member }
}

function belongs({ word, ip }: { word: Word; ip: Ip }, subject: Subject): boolean {
  const isEverywhere = word.kind === 'unban' && word.everywhere
  switch (subject.kind) {
    case 'bans':
      return word.kind !== 'sighting' && !isEverywhere && (subject.ip === undefined || subject.ip.text === ip.text)
    case 'sight':
      return word.kind === 'sighting' && (subject.shard === undefined || subject.shard === shardOf(ip))
    case 'ctl-ip':
      return subject.ip.text === ip.text && (subject.what === 'ban' ? word.kind === 'ban' : isEverywhere)
    case 'ctl':
    case 'ctl-member':
    case 'head':
    case 'hb':
    case 'call':
    case 'answer':
      return false
    default:
      return subject satisfies never
  }
}
