import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLog } from '../lib/log.js'
import { generateKeyPair } from './message/key.js'
import { open } from './message/message.js'
import type { OutboxRows, Unsaid } from './outbox.js'
import { OutboxDrain, rowOf } from './outbox.js'
import type { Parcel } from './transport.js'

const nowMs = Date.UTC(2026, 10, 21, 1, 30)
const pair = generateKeyPair()
const member = { name: 'web7', publicKey: pair.publicKey, level: 'own', sinceMs: 0, revokedAtMs: undefined } as const

/** Rows, a broker that answers when it is told to, and time that is turned by hand. */
class Stage implements OutboxRows {
  rows: { seq: number; text: string }[] = []
  sent: { parcel: Parcel; answer(error?: Error): void }[] = []
  nowMs = nowMs
  tasks: { atMs: number; task: () => void }[] = []
  readonly drain: OutboxDrain

  /** `former`: what a process before this one has left. */
  constructor(...former: Unsaid[]) {
    for (const word of former) this.#put(word)
    this.drain = new OutboxDrain({
      rows: this,
      transport: {
        publish: (parcel) =>
          new Promise((resolve, reject) =>
            this.sent.push({ parcel, answer: (error) => (error ? reject(error) : resolve()) }),
          ),
      },
      fleet: 'home',
      node: 'web7',
      key: pair.privateKey,
      clock: {
        now: () => this.nowMs,
        after: (delayMs, task) => {
          const entry = { atMs: this.nowMs + delayMs, task }
          this.tasks.push(entry)
          return () => {
            this.tasks = this.tasks.filter((other) => other !== entry)
          }
        },
      },
      log: silentLog,
    })
  }

  add(...words: Unsaid[]): void {
    for (const word of words) this.#put(word)
    this.drain.wake()
  }

  #put(word: Unsaid): void {
    this.rows.push({ seq: this.lastSeq + 1, text: rowOf(word) })
  }

  pending(afterSeq: number, limit: number) {
    return this.rows.filter(({ seq }) => seq > afterSeq).slice(0, limit)
  }

  remove(ranges: readonly { from: number; to: number }[]) {
    this.rows = this.rows.filter(({ seq }) => !ranges.some(({ from, to }) => from <= seq && seq <= to))
  }

  get lastSeq(): number {
    return this.rows.at(-1)?.seq ?? 0
  }

  async pass(ms: number): Promise<void> {
    this.nowMs += ms
    const due = this.tasks.filter(({ atMs }) => atMs <= this.nowMs)
    this.tasks = this.tasks.filter(({ atMs }) => atMs > this.nowMs)
    for (const { task } of due) task()
    await settled()
  }

  seqs(at: number): number[] {
    const { subject, body } = this.sent[at]?.parcel ?? { subject: '', body: Buffer.of() }
    const opened = open(body, { fleet: 'home', subject, memberOf: () => member })
    assert('words' in opened, JSON.stringify(opened))
    return opened.words.map(({ word }) => word.seq)
  }
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

function ban(ip: string): Unsaid {
  return { kind: 'ban', atMs: nowMs, ip, jail: 'sshd', untilMs: nowMs + 600_000, failures: 3, byHand: false }
}

describe('the drain of the outbox', () => {
  it('tells one word alone where the last word on its address is kept, and several together', () => {
    const stage = new Stage()
    stage.drain.resume()
    stage.add(ban('203.0.113.9'))
    stage.add(ban('203.0.113.10'), ban('203.0.113.11'))
    assert.deepEqual(
      stage.sent.map(({ parcel }, at) => [parcel.subject, stage.seqs(at)]),
      [
        ['bans.web7.4.203.0.113.9', [1]],
        ['bans.web7.batch.q2', [2, 3]],
      ],
    )
  })

  it('removes what was kept by the broker and nothing else', async () => {
    const stage = new Stage()
    stage.drain.resume()
    stage.add(ban('203.0.113.9'))
    stage.add(ban('203.0.113.10'))
    stage.sent[1]?.answer()
    await settled()
    await stage.pass(100)
    assert.deepEqual(
      stage.rows.map(({ seq }) => seq),
      [1],
    )
  })

  it('tries again with the same words and the same bytes', async () => {
    const stage = new Stage()
    stage.drain.resume()
    stage.add(ban('203.0.113.9'))
    stage.sent[0]?.answer(new Error('no leader'))
    await settled()
    await stage.pass(500)
    assert.equal(stage.sent.length, 2)
    assert.deepEqual(stage.seqs(1), [1])
    assert.deepEqual(stage.sent[1]?.parcel, stage.sent[0]?.parcel)
  })

  it('tells a word again among the batches when a later one was told where it belongs', async () => {
    const stage = new Stage()
    stage.drain.resume()
    stage.add(ban('203.0.113.9'))
    stage.add(ban('203.0.113.9'))
    stage.sent[1]?.answer()
    stage.sent[0]?.answer(new Error('no leader'))
    await settled()
    await stage.pass(500)
    const subjects = stage.sent.map(({ parcel }) => parcel.subject)
    assert.deepEqual(subjects, ['bans.web7.4.203.0.113.9', 'bans.web7.4.203.0.113.9', 'bans.web7.batch.q1'])
    assert.deepEqual(stage.seqs(2), [1])
  })

  it('tells among the batches what an earlier process has left: that may have told later words', () => {
    const stage = new Stage(ban('203.0.113.9'))
    stage.drain.resume()
    stage.add(ban('203.0.113.9'))
    const subjects = stage.sent.map(({ parcel }) => parcel.subject)
    assert.deepEqual(subjects, ['bans.web7.batch.q1', 'bans.web7.4.203.0.113.9'])
  })

  it('keeps everything while there is no way to the others', () => {
    const stage = new Stage()
    stage.add(ban('203.0.113.9'), ban('203.0.113.10'))
    assert.equal(stage.sent.length, 0)
    stage.drain.resume()
    assert.deepEqual(stage.seqs(0), [1, 2])
  })

  it('lets words wait for company while messages are unanswered, and not for ever', async () => {
    const stage = new Stage()
    stage.drain.resume()
    for (let i = 0; i < 100; i++) stage.add(ban(`203.0.113.${i}`))
    assert.equal(stage.sent.length, 4)
    await stage.pass(20)
    assert.deepEqual(stage.seqs(4).length, 96)
  })

  it('goes on at once when enough is answered', async () => {
    const stage = new Stage()
    stage.drain.resume()
    for (let i = 0; i < 100; i++) stage.add(ban(`203.0.113.${i}`))
    stage.sent[0]?.answer()
    await settled()
    assert.equal(stage.seqs(4).length, 96)
  })

  it('keeps its rate of messages', async () => {
    const stage = new Stage()
    stage.drain.resume()
    for (let i = 0; i < 60; i++) {
      stage.add(ban(`203.0.113.${i}`))
      stage.sent[i]?.answer()
      await settled()
    }
    assert.equal(stage.sent.length, 50)
    await stage.pass(1000)
    assert.equal(stage.seqs(50).length, 10)
  })

  it('passes by a row that is no word', () => {
    const stage = new Stage()
    stage.rows.push({ seq: 1, text: '{"kind":"ban"' })
    stage.drain.resume()
    stage.add(ban('203.0.113.9'))
    assert.deepEqual(stage.seqs(0), [2])
  })

  it("tells an operator's word for the whole fleet on its own subject", () => {
    const stage = new Stage()
    stage.drain.resume()
    stage.add({ kind: 'unban', atMs: nowMs, ip: '203.0.113.9', jail: undefined, everywhere: true, untilMs: nowMs + 1 })
    assert.equal(stage.sent[0]?.parcel.subject, 'ctl.unban.4.203.0.113.9')
  })
})
