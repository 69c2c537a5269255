import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { keepNewest } from '../../lib/keep-newest.js'

/** Beyond it a name counts as unknown. */
const waitMs = 10_000
/** Answers kept. Full: the oldest is forgotten and would be asked for again. */
const answersMax = 10_000

/** Runs in a thread of its own, so that the caller can wait for the answer. Kept short: it is handed over as text. */
const workerText = `
const { workerData } = require('node:worker_threads')
const dns = require('node:dns').promises
const { port, flag } = workerData
port.on('message', async ({ id, kind, text }) => {
  let answer = []
  try {
    answer = kind === 'reverse' ? await dns.reverse(text) : (await dns.lookup(text, { all: true })).map((one) => one.address)
  } catch {}
  port.postMessage({ id, answer })
  Atomics.add(flag, 0, 1)
  Atomics.notify(flag, 0)
})
`

/** Asks the system's resolver and waits: a test run may take as long as its lookups, and its lines stay in order. */
export class NameLookup {
  readonly #answers = new Map<string, readonly string[]>()
  #worker: Worker | undefined
  #port: MessageChannel['port1'] | undefined
  readonly #flag = new Int32Array(new SharedArrayBuffer(4))
  #lastId = 0
  /** What is being asked for. */
  #asked: { kind: 'lookup' | 'reverse'; text: string } | undefined

  /** The addresses of a name; empty: none. */
  addresses(name: string): readonly string[] {
    return this.#ask('lookup', name)
  }

  reverse(address: string): string | undefined {
    return this.#ask('reverse', address)[0]
  }

  /** After the caller of a lookup was stopped in the middle of it: waits for its answer, so that it is known the next time. False: none was under way. */
  finish(): boolean {
    const asked = this.#asked
    if (asked === undefined) return false
    this.#ask(asked.kind, asked.text)
    return true
  }

  async close(): Promise<void> {
    this.#port?.close()
    await this.#worker?.terminate()
  }

  #ask(kind: 'lookup' | 'reverse', text: string): readonly string[] {
    const key = `${kind} ${text}`
    const known = this.#answers.get(key)
    if (known !== undefined) return known
    this.#asked = { kind, text }
    const answer = this.#wait(kind, text)
    this.#asked = undefined
    this.#answers.set(key, answer)
    keepNewest(this.#answers, answersMax)
    return answer
  }

  #wait(kind: 'lookup' | 'reverse', text: string): readonly string[] {
    const port = this.#start()
    const id = ++this.#lastId
    port.postMessage({ id, kind, text })
    for (let seen = Atomics.load(this.#flag, 0); ; seen = Atomics.load(this.#flag, 0)) {
      for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
        // An older id is the late answer to a name that was given up.
        if (got.message.id === id) return got.message.answer
      }
      if (Atomics.wait(this.#flag, 0, seen, waitMs) === 'timed-out') return []
    }
  }

  #start(): MessageChannel['port1'] {
    if (this.#port !== undefined) return this.#port
    const { port1, port2 } = new MessageChannel()
    const workerData = { port: port2, flag: this.#flag }
    this.#worker = new Worker(workerText, { eval: true, workerData, transferList: [port2] })
    this.#worker.unref()
    port1.unref()
    this.#port = port1
    return port1
  }
}
