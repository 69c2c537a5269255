import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runChild } from '../lib/child.js'

const writer = ['/lib/systemd/systemd-journal-remote', '/usr/lib/systemd/systemd-journal-remote'].find(existsSync)
const reader = ['/usr/bin/journalctl', '/bin/journalctl'].find(existsSync)

/** Why no real journal can be written and read here. */
export const withoutJournal =
  writer === undefined
    ? 'systemd-journal-remote is not installed'
    : reader === undefined
      ? 'journalctl is not installed'
      : false

type Value = string | Buffer
type Values = Readonly<Record<string, Value | readonly Value[]>>
/** Its fields, each of which may be there several times, and when it was received. */
export interface WrittenEntry {
  atMs: number
  fields: Values
}

const timeoutMs = 20_000

/** A real journal in a directory of its own, written by systemd's own program; its entries have the times they are given. */
export class WrittenJournal {
  readonly directory = mkdtempSync(join(tmpdir(), 'tocsin-journal-'))
  /** Of the boot that the entries are of. */
  bootId = '0123456789abcdef0123456789abcdef'
  readonly #file = join(this.directory, 'system.journal')

  async write(entries: readonly WrittenEntry[]): Promise<void> {
    const input = join(this.directory, 'entries.export')
    writeFileSync(input, Buffer.concat(entries.map((entry) => this.#exported(entry))))
    assert.ok(writer)
    const run = await runChild([writer, '-o', this.#file, input], { timeoutMs })
    assert.equal(run.exitCode, 0, run.stderr)
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }

  #exported({ atMs, fields }: WrittenEntry): Buffer {
    return exportedEntry({
      __REALTIME_TIMESTAMP: `${atMs * 1000}`,
      __MONOTONIC_TIMESTAMP: `${atMs % 1e9}`,
      _BOOT_ID: this.bootId,
      ...fields,
    })
  }
}

/** An entry in the export format; values with control characters in the form with a length. */
export function exportedEntry(fields: Values): Buffer {
  const parts = Object.entries(fields).flatMap(([name, values]) =>
    (Array.isArray(values) ? values : [values]).map((value: Value) => exportedField(name, Buffer.from(value))),
  )
  return Buffer.concat([...parts, Buffer.from('\n')])
}

function exportedField(name: string, value: Buffer): Buffer {
  if (!value.some((byte) => byte < 0x20 || byte > 0x7e)) return Buffer.from(`${name}=${value.toString()}\n`)
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(value.length))
  return Buffer.concat([Buffer.from(`${name}\n`), size, value, Buffer.from('\n')])
}
