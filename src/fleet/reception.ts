import { createHash } from 'node:crypto'
import { type Ip, parseIp } from '../domain/address.js'
import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'
import type { AuditEntry } from './audit-entry.js'
import type { AuditLog } from './audit-log.js'
import { anybody, type Member, type Teller } from './member.js'
import { open } from './message/message.js'
import type { MessageRefusal, Refused } from './message/refusal.js'
import { openStatement, type Statement } from './message/statement.js'
import { parseSubject, type Subject } from './message/subject.js'
import type { Roster, RosterChange } from './roster.js'
import type { Order, Sequences } from './sequence.js'
import type { Parcel } from './transport.js'
import type { Circumstances, Judge } from './trust/judge.js'
import type { Accepted } from './trust/verdict.js'
import type { BanWord, NodeName, Word } from './word.js'

/** A word that is believed, and how far. */
export interface Heard extends Omit<Accepted, 'kind'> {
  word: Word
  ip: Ip
  member: Teller
  /** `catch-up`: the others know it already. */
  arrival: 'live' | 'catch-up'
}

export interface ReceptionOptions {
  fleet: string
  /** Who we are: what we have told ourselves comes back, and has no effect. */
  self: NodeName
  roster: Roster
  sequences: Sequences
  judge: Judge
  audit: Pick<AuditLog, 'write'>
  clock: Clock
  log: Log
  /** See bans/protection. */
  protection(ip: Ip, jail: string): string | undefined
  population(node: NodeName, ip: Ip): Circumstances['population']
  /** These words of a member have come whole and signed, new or not (Transport.heard). */
  onOpened?(node: NodeName, seqs: readonly number[]): void
  /** Called for each word before the next one is judged, so that the population is right. */
  onWord(heard: Heard): void
  onRoster(change: RosterChange): void
  /** On `ctl.mode` and `ctl.policy`, by an operator. Which of two is the newer one, its `atMs` and `seq` say. */
  onStatement(what: string, statement: Statement, member: Member): StatementOutcome
}

/** `news`: it has effect now, and what it says; `known`: it, or a newer one; `refused`: why, as the end of a sentence. */
export type StatementOutcome = { news: string } | 'known' | { refused: MessageRefusal; detail: string }

/** What stands for the jail where nobody says it. No jail of ours is called so. */
const plainJail = '(newbans)'

/** Of one node the same trouble is told in the log once in this time; the audit log has all of it. */
const quietMs = 3_600_000

/** Where everything arrives that others say: opened, put in order, judged, recorded, handed on. Nothing that a stranger sends throws. */
export class Reception {
  readonly #options: ReceptionOptions
  readonly #toldMs = new Map<string, number>()
  /** Later words have higher numbers. */
  #plainSeq = 0

  constructor(options: ReceptionOptions) {
    this.#options = options
  }

  hear(parcel: Parcel, arrival: 'live' | 'catch-up'): void {
    const subject = parseSubject(parcel.subject)
    if (subject?.kind === 'hb' || subject?.kind === 'head') return // The transport's own.
    if (subject?.kind === 'call' || subject?.kind === 'answer') return // For whoever asks and answers (calls).
    const isStatement = subject?.kind === 'ctl' && subject.what !== 'epoch'
    if (isStatement) this.#hearStatement(parcel, subject)
    else if (subject?.kind === 'ctl' || subject?.kind === 'ctl-member') this.#hearCertificate(parcel, subject)
    else this.#hearWords(parcel, subject, arrival)
  }

  /** All that a node says, under its signature, which the transport has checked. Numbers are no matter: each word may be old. */
  hearSnapshot(node: NodeName, words: Iterable<Word>): void {
    const { self, roster } = this.#options
    const member = roster.memberOf(node)
    if (node === self || member === undefined || member.revokedAtMs !== undefined) return
    for (const word of words) {
      const ip = parseIp(word.ip)
      const isItsOwn = word.node === node && !(word.kind === 'unban' && word.everywhere)
      if (ip !== undefined && isItsOwn) this.#judge({ word, ip, member }, 'catch-up', { subject: `snap.${node}` })
    }
  }

  /** A ban that nobody has signed, out of a log that others write to as well. It ends as early as the judge has it. */
  hearPlain({ ip, atMs }: { ip: Ip; atMs: number }, arrival: 'live' | 'catch-up'): void {
    this.#plainSeq = Math.max(this.#plainSeq + 1, this.#options.clock.now())
    const word: BanWord = {
      kind: 'ban',
      node: anybody.name,
      seq: this.#plainSeq,
      atMs,
      ip: ip.text,
      jail: plainJail,
      untilMs: undefined,
      failures: 0,
      byHand: false,
    }
    this.#judge({ word, ip, member: anybody }, arrival, { subject: 'plain' })
  }

  #hearWords(parcel: Parcel, subject: Subject | undefined, arrival: 'live' | 'catch-up'): void {
    const { fleet, self, roster } = this.#options
    const memberOf = (name: NodeName) => roster.memberOf(name)
    const opened = open(parcel.body, { fleet, subject: parcel.subject, memberOf })
    if ('refused' in opened) {
      this.#refuse(parcel, subject, opened, arrival)
      return
    }
    const { member, words } = opened
    this.#options.onOpened?.(
      member.name,
      words.map(({ word }) => word.seq),
    )
    const about = { subject: parcel.subject, hash: hashOf(parcel.body) }
    for (const { word, ip } of words) {
      const order = this.#options.sequences.check(word, member, arrival)
      if (order === 'new' && member.name !== self) this.#judge({ word, ip, member }, arrival, about)
      else if (order !== 'new' && order !== 'repeated') this.#refuseOrder(order, { word, member }, about)
    }
  }

  #judge(heard: Pick<Heard, 'word' | 'ip' | 'member'>, arrival: 'live' | 'catch-up', about: Whereabouts): void {
    const { judge, clock, protection, population, onWord } = this.#options
    const { word, ip, member } = heard
    const nowMs = clock.now()
    const verdict = judge.judge(word, {
      member,
      ip,
      nowMs,
      arrival,
      protection,
      population: population(member.name, ip),
    })
    if (verdict.kind === 'accept') {
      const { cappedUntilMs, effect } = verdict
      this.#recordWord(word, about, effect === 'hold' ? 'held' : 'accepted')
      onWord({ word, ip, member, arrival, cappedUntilMs, effect })
      return
    }
    const { reason, detail } = verdict
    this.#recordWord(word, about, 'refused', reason, detail)
    if (reason === 'clock' && member.name !== anybody.name)
      this.#tell('WARNING', `clock ${member.name}`, `A word of ${member.name} is refused: ${detail}`)
  }

  #refuseOrder(
    order: Exclude<Order, 'new' | 'repeated'>,
    { word, member }: { word: Word; member: Member },
    about: Whereabouts,
  ): void {
    const { self } = this.#options
    const { name } = member
    this.#recordWord(word, about, 'refused', order, orderTexts[order])
    if (order === 'older') return
    const whose = name === self ? 'our own key' : `the key of ${name}`
    const advice = `'tocsin fleet revoke ${name}' puts both out, then one of them joins anew`
    this.#tell(
      'ERROR',
      `${order} ${name}`,
      `Two speak with ${whose}, or ${name} came back from an old disk image: ${orderTexts[order]}. ${advice}`,
    )
  }

  #hearCertificate(parcel: Parcel, subject: Subject): void {
    const { roster, onRoster } = this.#options
    const change = roster.apply(parcel)
    if ('refused' in change) this.#refuse(parcel, subject, change)
    else if (change.kind !== 'nothing') {
      this.#record({ subject: parcel.subject, outcome: 'accepted', hash: hashOf(parcel.body) }, change.by)
      onRoster(change)
    }
  }

  #hearStatement(parcel: Parcel, subject: Subject & { kind: 'ctl' }): void {
    const { fleet, roster, onStatement } = this.#options
    const memberOf = (name: NodeName) => roster.memberOf(name)
    const opened = openStatement(parcel.body, { fleet, subject: parcel.subject, memberOf })
    if ('refused' in opened) {
      this.#refuse(parcel, subject, opened)
      return
    }
    const outcome = onStatement(subject.what, opened.statement, opened.member)
    if (outcome === 'known') return
    const about = { subject: parcel.subject, hash: hashOf(parcel.body) }
    const verdict =
      'news' in outcome
        ? { outcome: 'accepted' as const, detail: outcome.news }
        : { outcome: 'refused' as const, reason: outcome.refused, detail: outcome.detail }
    this.#record({ ...about, ...verdict }, opened.member.name)
  }

  /** Of what was refused as a whole nothing is proven, not even who has told it, unless the signature was good. */
  #refuse(
    { subject, body }: Parcel,
    parsed: Subject | undefined,
    { refused, detail, claimedNode }: Refused,
    arrival: 'live' | 'catch-up' = 'live',
  ): void {
    const { self } = this.#options
    this.#record({ subject, outcome: 'refused', reason: refused, detail, hash: hashOf(body) }, claimedNode, false)
    const owner = parsed !== undefined && 'node' in parsed && parsed.kind !== 'ctl-member' ? parsed.node : undefined
    if (owner !== self) return
    if (arrival === 'catch-up') {
      this.#tell(
        'WARNING',
        'former',
        `What is kept in our name is refused: ${detail}. It is of a key that this machine had before it joined anew, or somebody else can publish on our subjects`,
      )
      return
    }
    this.#tell(
      'ERROR',
      'forged',
      `What somebody has told in our name is refused: ${detail}. He can publish on our subjects at the broker`,
    )
  }

  /** NOTE: called for each word of a snapshot; spreading objects there took half of the time. */
  #recordWord(
    word: Word,
    { subject, hash }: Whereabouts,
    outcome: AuditEntry['outcome'],
    reason?: string,
    detail?: string,
  ): void {
    const timeMs = this.#options.clock.now()
    const { node } = word
    const isProven = node !== anybody.name
    this.#options.audit.write({ timeMs, outcome, node, isProven, reason, detail, subject, word, hash })
  }

  #record(entry: Omit<AuditEntry, 'timeMs' | 'node' | 'isProven'>, node: NodeName | undefined, isProven = true): void {
    this.#options.audit.write({ timeMs: this.#options.clock.now(), node, isProven, ...entry })
  }

  /** Keys hold names of members only, so there are few. */
  #tell(level: 'WARNING' | 'ERROR', key: string, text: string): void {
    const { clock, log } = this.#options
    const nowMs = clock.now()
    if (nowMs - (this.#toldMs.get(key) ?? Number.NEGATIVE_INFINITY) < quietMs) return
    this.#toldMs.set(key, nowMs)
    log.write(level, 'fleet', text)
  }
}

interface Whereabouts {
  subject: string
  hash?: string
}

const orderTexts = {
  older: 'its number is below those that are remembered',
  conflict: 'another word has had its number',
  rewound: 'it is newer than the newest, with a lower number',
} as const

function hashOf(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex').slice(0, 16)
}
