import type { KeyObject } from 'node:crypto'
import { type Level, levels, type Member } from './member.js'
import { publicKeyOf } from './message/key.js'
import { type Refused, refused } from './message/refusal.js'
import { openStatement, type Statement } from './message/statement.js'
import { parseSubject, type Subject } from './message/subject.js'
import type { Parcel } from './transport.js'
import type { NodeName } from './word.js'

export interface RosterOptions {
  fleet: string
  /** Who may let others in, by the name under which he signs. Known since this node joined; nothing that is told changes it. */
  roots: ReadonlyMap<NodeName, KeyObject>
  /** Further enrolments are refused. */
  membersMax?: number
}

/** What has changed by a certificate; nothing when it was known or is outdone by a newer one. `by`: who has signed it. */
export type RosterChange = Change & { by: NodeName }

type Change =
  | { kind: 'nothing' }
  /** `isAnew`: with another key or level than before, whatever it has told until then is void. */
  | { kind: 'joined'; member: Member; isAnew: boolean }
  /** All that it has told, dated `revokedAtMs` or later, is to be withdrawn. */
  | { kind: 'revoked'; member: Member }
  /** All that anybody has told, dated before, is to be withdrawn. */
  | { kind: 'epoch'; epochMs: number }

/** A certificate as it was told, and what it says. */
interface Told<T> {
  parcel: Parcel
  statement: Statement
  says: T
}
type Enrolment = Pick<Member, 'publicKey' | 'level' | 'sinceMs'>

const membersMaxByDefault = 100_000
/** The clock of who joins may be behind that of who lets him in; he is heard at once all the same. */
export const joinSkewMs = 600_000

/**
 * Who is a member, with which key, and how far believed: the sum of certificates that a root has signed, each on its own subject
 * (`ctl.member.NODE`, `ctl.revoke.NODE`, `ctl.epoch`). Of each subject the newest counts, and a revocation ends every enrolment that is not newer.
 * So any two rosters that have heard the same certificates are equal, in whatever order and how often they came.
 */
export class Roster {
  readonly #options: RosterOptions
  readonly #enrolments = new Map<NodeName, Told<Enrolment>>()
  readonly #revocations = new Map<NodeName, Told<number>>()
  #epoch: Told<number> | undefined

  constructor(options: RosterOptions) {
    this.#options = options
  }

  /** Everything told before is void. */
  get epochMs(): number {
    return this.#epoch?.says ?? 0
  }

  memberOf(name: NodeName): Member | undefined {
    const root = this.#root(name, this.epochMs)
    const enrolment = this.#enrolments.get(name)
    return root ?? (enrolment === undefined ? undefined : this.#member(name, enrolment))
  }

  /** Roots are not among them. Revoked ones are. */
  members(): Member[] {
    return [...this.#enrolments].map(([name, enrolment]) => this.#member(name, enrolment)).sort(byName)
  }

  /** Takes anybody's parcel from a `ctl.member.…`, `ctl.revoke.…` or `ctl.epoch` subject. */
  apply(parcel: Parcel): RosterChange | Refused {
    const subject = parseSubject(parcel.subject)
    const memberOf = (name: NodeName) => this.#root(name, 0)
    const opened = openStatement(parcel.body, { fleet: this.#options.fleet, subject: parcel.subject, memberOf })
    if ('refused' in opened) return opened
    const by = opened.member.name
    const change = this.#applied(parcel, subject, opened.statement)
    if (change === undefined) return refused('malformed', 'it is no certificate that we know', by)
    return 'refused' in change ? change : { ...change, by }
  }

  /** Undefined: it is none of ours. */
  #applied(parcel: Parcel, subject: Subject | undefined, statement: Statement): Change | Refused | undefined {
    const told = { parcel, statement }
    if (subject?.kind === 'ctl' && subject.what === 'epoch') {
      const { at } = statement.content
      return isPast(at, statement) ? this.#turn({ ...told, says: at }) : undefined
    }
    if (subject?.kind !== 'ctl-member' || this.#options.roots.has(subject.node)) return undefined
    if (subject.what === 'member') {
      const says = enrolmentOf(statement)
      return says === undefined ? undefined : this.#enrol(subject.node, { ...told, says })
    }
    const { from } = statement.content
    return isPast(from, statement) ? this.#revoke(subject.node, { ...told, says: from }) : undefined
  }

  /** All that a roster is made of, to keep it or to bring another up to date, in the order of subjects. */
  certificates(): Parcel[] {
    const epoch = this.#epoch === undefined ? [] : [this.#epoch]
    const all = [...epoch, ...this.#enrolments.values(), ...this.#revocations.values()]
    return all.map(({ parcel }) => parcel).sort((a, b) => compare(a.subject, b.subject))
  }

  #root(name: NodeName, sinceMs: number): Member | undefined {
    const publicKey = this.#options.roots.get(name)
    return publicKey === undefined ? undefined : { name, publicKey, level: 'operator', sinceMs, revokedAtMs: undefined }
  }

  #member(name: NodeName, { says, statement }: Told<Enrolment>): Member {
    const revocation = this.#revocations.get(name)
    const isRevoked = revocation !== undefined && revocation.statement.atMs >= statement.atMs
    const sinceMs = Math.max(says.sinceMs - joinSkewMs, this.epochMs)
    return { name, ...says, sinceMs, revokedAtMs: isRevoked ? revocation.says : undefined }
  }

  #enrol(name: NodeName, told: Told<Enrolment>): Change | Refused {
    const known = this.#enrolments.get(name)
    if (known !== undefined && !isNewer(told, known)) return { kind: 'nothing' }
    const { membersMax = membersMaxByDefault } = this.#options
    if (known === undefined && this.#enrolments.size >= membersMax)
      return refused('too-large', `there are ${membersMax} members already`, name)
    this.#enrolments.set(name, told)
    const member = this.#member(name, told)
    if (member.revokedAtMs !== undefined) return { kind: 'revoked', member }
    return { kind: 'joined', member, isAnew: known !== undefined }
  }

  #revoke(name: NodeName, told: Told<number>): Change | Refused {
    const known = this.#revocations.get(name)
    if (known !== undefined && !isNewer(told, known)) return { kind: 'nothing' }
    const { membersMax = membersMaxByDefault } = this.#options
    if (known === undefined && this.#revocations.size >= membersMax)
      return refused('too-large', `there are ${membersMax} revocations already`, name)
    this.#revocations.set(name, told)
    const member = this.memberOf(name)
    return member?.revokedAtMs === undefined ? { kind: 'nothing' } : { kind: 'revoked', member }
  }

  #turn(told: Told<number>): Change {
    if (this.#epoch !== undefined && !isNewer(told, this.#epoch)) return { kind: 'nothing' }
    this.#epoch = told
    return { kind: 'epoch', epochMs: told.says }
  }
}

function enrolmentOf({ content }: Statement): Enrolment | undefined {
  const { key, level, since } = content
  const publicKey = publicKeyOf(key)
  const known = levels.find((one) => one === level)
  if (publicKey === undefined || known === undefined || !isTime(since)) return undefined
  return { publicKey, level: known satisfies Level, sinceMs: since }
}

/** Nothing that a certificate ends lies after it: a slip of a digit must not silence a fleet for years. */
function isPast(value: unknown, { atMs }: Statement): value is number {
  return isTime(value) && value <= atMs
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** By time, then number, then the bytes: everybody comes to the same. */
function isNewer(a: Told<unknown>, b: Told<unknown>): boolean {
  if (a.statement.atMs !== b.statement.atMs) return a.statement.atMs > b.statement.atMs
  if (a.statement.seq !== b.statement.seq) return a.statement.seq > b.statement.seq
  return Buffer.compare(a.parcel.body, b.parcel.body) > 0
}

function byName(a: Member, b: Member): number {
  return compare(a.name, b.name)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
