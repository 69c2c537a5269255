import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../lib/clock.js'
import type { LogLevel } from '../lib/log.js'
import { type Chunk, type FileTail, followFile, type TailOptions } from './file-tail.js'
import type { TailEvent } from './tail-report.js'

/** A clock that stands still until it is turned. */
class TestClock implements Clock {
  #nowMs = Date.UTC(2026, 10, 21)
  #tasks: { atMs: number; task: () => void }[] = []

  now(): number {
    return this.#nowMs
  }

  after(delayMs: number, task: () => void): () => void {
    const entry = { atMs: this.#nowMs + delayMs, task }
    this.#tasks.push(entry)
    return () => {
      this.#tasks = this.#tasks.filter((other) => other !== entry)
    }
  }

  /** Lets time pass; what falls due runs in its order. */
  turn(byMs: number): void {
    const untilMs = this.#nowMs + byMs
    for (;;) {
      const next = this.#tasks.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined) break
      this.#tasks = this.#tasks.filter((other) => other !== next)
      this.#nowMs = next.atMs
      next.task()
    }
    this.#nowMs = untilMs
  }
}

/** A directory of its own for each test, and tails in it whose chunks, events and log lines are kept. */
export class TailKit {
  readonly directory = mkdtempSync(join(tmpdir(), 'tocsin-tail-'))
  readonly clock = new TestClock()
  readonly chunks: (Chunk & { text: string })[] = []
  readonly events: TailEvent[] = []
  readonly logged: string[] = []
  readonly #tails: FileTail[] = []
  #waiting: { isMet: () => boolean; resolve: () => void }[] = []

  path(name: string): string {
    return join(this.directory, name)
  }

  follow(path: string, options: Partial<TailOptions> = {}): FileTail {
    const tail = followFile({
      path,
      start: 'head',
      encoding: 'auto',
      clock: this.clock,
      log: {
        isOn: () => true,
        write: (level: LogLevel, module, text) => this.logged.push(`${level} ${module} ${text}`),
      },
      onChunk: (chunk) => {
        this.chunks.push({ ...chunk, text: chunk.lines.text })
        this.#check()
      },
      onEvent: (event) => {
        this.events.push(event)
        this.#check()
      },
      ...options,
    })
    this.#tails.push(tail)
    return tail
  }

  get text(): string {
    return this.chunks.map(({ text }) => text).join('')
  }

  /** Resolves when something has been told that makes it true. */
  until(isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ isMet, resolve }))
  }

  untilText(text: string): Promise<void> {
    return this.until(() => this.text.endsWith(text))
  }

  untilEvent(kind: TailEvent['kind']): Promise<void> {
    return this.until(() => this.events.some((event) => event.kind === kind))
  }

  async close(): Promise<void> {
    for (const tail of this.#tails) await tail.close()
    rmSync(this.directory, { recursive: true, force: true })
  }

  #check(): void {
    const met = this.#waiting.filter(({ isMet }) => isMet())
    this.#waiting = this.#waiting.filter((one) => !met.includes(one))
    for (const { resolve } of met) resolve()
  }
}
