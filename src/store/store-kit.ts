import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Ban } from '../domain/ban.js'
import { runChild } from '../lib/child.js'
import type { Clock } from '../lib/clock.js'
import { type Database, openDatabase } from './database.js'

export const nowMs = Date.UTC(2026, 10, 21, 1, 30)
const clock: Clock = { now: () => nowMs, after: () => () => {} }

/** A directory of its own for each test, databases in it, and what they logged. */
export class StoreKit {
  readonly directory = mkdtempSync(join(tmpdir(), 'tocsin-store-'))
  readonly file = join(this.directory, 'fail2ban.sqlite3')
  readonly logged: string[] = []
  readonly #open = new Set<Database>()

  open(path = this.file): Database {
    const log = {
      isOn: () => true,
      write: (level: string, _: string, text: string) => this.logged.push(`${level} ${text}`),
    }
    const database = openDatabase({ path, clock, log })
    this.#open.add(database)
    return database
  }

  close(database: Database): void {
    this.#open.delete(database)
    database.close()
  }

  end(): void {
    for (const database of this.#open) this.close(database)
    rmSync(this.directory, { recursive: true, force: true })
  }
}

export function ban(id: string, change: Partial<Ban> = {}): Ban {
  return {
    jail: 'sshd',
    id,
    startMs: nowMs,
    durationMs: 600_000,
    origin: { kind: 'jail' },
    count: 1,
    failures: 3,
    lines: [`bad login from ${id}`],
    data: { user: 'root' },
    ...change,
  }
}

/** Runs a script of ours in the interpreter of the installed Fail2ban; `print(json.dumps(…))` is the answer. */
export async function askPeer(script: string, ...args: string[]): Promise<unknown> {
  const prelude =
    'import sys, json\nfrom fail2ban.server.database import Fail2BanDb\nfrom fail2ban.server.ticket import FailTicket\n'
  const { exitCode, stdout, stderr } = await runChild(['/usr/bin/python3', '-c', prelude + script, ...args], {
    timeoutMs: 30_000,
  })
  if (exitCode !== 0) throw new Error(`the peer failed: ${stderr}`)
  return JSON.parse(stdout)
}

/** Why the peer cannot be asked here; undefined: it can. */
export const noPeer: string | undefined = await askPeer('print("1")').then(
  () => undefined,
  () => 'needs /usr/bin/python3 with the fail2ban package',
)
