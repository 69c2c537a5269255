import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseIp } from '../../src/domain/address.js'
import type { AuditEntry } from '../../src/fleet/audit-entry.js'
import { BanLogTransport, type LogFollower } from '../../src/fleet/ban-log/transport.js'
import { enrolment } from '../../src/fleet/certificate.js'
import { seal } from '../../src/fleet/message/message.js'
import { keysOf, startMs } from '../../src/fleet/message/message-kit.js'
import { bansSubject, sightSubject } from '../../src/fleet/message/subject.js'
import { Reception } from '../../src/fleet/reception.js'
import { Roster } from '../../src/fleet/roster.js'
import { Sequences } from '../../src/fleet/sequence.js'
import type { Parcel } from '../../src/fleet/transport.js'
import { Judge } from '../../src/fleet/trust/judge.js'
import type { Word } from '../../src/fleet/word.js'
import { ManualClock } from './manual-clock.js'
import { RecordingLog } from './recording-log.js'
import { waitUntil } from './wait-until.js'

const fleet = 'example'

/** What `boss` has signed about a member. */
export function certificateOf(name: string, seq = 1): Parcel {
  return enrolment(
    { name, publicKey: keysOf(name).publicKey, level: 'own', sinceMs: startMs },
    { fleet, node: 'boss', key: keysOf('boss').privateKey, seq, atMs: startMs },
  )
}

export function parcelOf(word: Word, { by = word.node, of = fleet }: { by?: string; of?: string } = {}): Parcel {
  const ip = parseIp(word.ip)
  assert.ok(ip)
  const subject = word.kind === 'sighting' ? sightSubject(word.node, undefined) : bansSubject(word.node, ip)
  return { subject, body: seal([word], { fleet: of, subject, node: word.node, key: keysOf(by).privateKey }) }
}

/** For tests of the shared log: a directory, a clock, and nodes that read only what they are given. */
export class LogKit {
  readonly dir = mkdtempSync(path.join(tmpdir(), 'tocsin-ban-log-'))
  readonly file = path.join(this.dir, 'newbans.log')
  readonly clock = new ManualClock(startMs)
  readonly log = new RecordingLog()
  readonly #open: BanLogTransport[] = []

  async end(): Promise<void> {
    await Promise.all(this.#open.map((one) => one.close()))
    rmSync(this.dir, { recursive: true, force: true })
  }

  /** Empty where there is no file. */
  get written(): string {
    try {
      return readFileSync(this.file, 'utf8')
    } catch {
      return ''
    }
  }

  /** `web1`, `web2` and `web7` are members; 192.0.2.1 is protected. */
  async node(name: string, { isPlain = false, file = this.file } = {}) {
    const { clock, log } = this
    let follower: LogFollower | undefined
    const transport = new BanLogTransport({
      path: file,
      node: name,
      isPlain,
      clock,
      log,
      pid: 81,
      portOf: (jail) => (jail === 'sshd' ? 22 : 0),
      follow: (_, given) => {
        follower = given
        return { close: () => Promise.resolve() }
      },
    })
    this.#open.push(transport)
    const bans: string[] = []
    const plain: string[] = []
    const entries: AuditEntry[] = []
    const events: string[] = []
    const reception = new Reception({
      fleet,
      self: name,
      roster: new Roster({ fleet, roots: new Map([['boss', keysOf('boss').publicKey]]) }),
      sequences: new Sequences(),
      judge: new Judge(),
      audit: { write: (entry) => void entries.push(entry) },
      clock,
      log,
      protection: (ip) => (ip.text === '192.0.2.1' ? 'it is the gateway' : undefined),
      population: () => ({ ofNode: 0, ofFleet: 0, isKnown: false }),
      onWord: ({ word, effect }) => bans.push(`${word.kind} ${word.ip} of ${word.node} ${effect}`),
      onRoster: () => {},
      onStatement: () => 'known',
    })
    if (!isPlain) for (const member of ['web1', 'web2', 'web7']) reception.hear(certificateOf(member), 'catch-up')
    entries.length = 0
    await transport.start({
      onParcel: (parcel) => reception.hear(parcel, 'live'),
      onPlain: (ban, arrival) => {
        plain.push(`${ban.ip.text} ${arrival} ${ban.atMs - startMs}`)
        reception.hearPlain(ban, arrival)
      },
      onConnected: () => events.push('connected'),
      onDisconnected: (reason) => events.push(`disconnected: ${reason}`),
    })
    const catching = transport.catchUp((parcel) => reception.hear(parcel, 'catch-up'))
    await waitUntil(() => follower !== undefined || events[0] !== 'connected', 'the log is followed')
    const give = (text: string, isLive = true) => follower?.onLines(text, isLive)
    return {
      transport,
      bans,
      plain,
      events,
      give,
      /** What was there already is over. */
      live: async () => {
        follower?.onLive()
        await catching
      },
      reasons: () => entries.map(({ outcome, reason, isProven }) => `${reason ?? outcome}${isProven ? '' : '?'}`),
    }
  }

  /** The line that a node writes for it. */
  async lineOf(word: Word, options: { by?: string; of?: string } = {}): Promise<string> {
    const before = this.written
    const one = await this.node('writer')
    const told = one.transport.publish(parcelOf(word, options))
    await waitUntil(() => this.written.length > before.length, 'it is written')
    const line = this.written.slice(before.length)
    await one.live()
    one.give(line)
    await told
    return line
  }
}
