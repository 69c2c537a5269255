import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after } from 'node:test'

const made: string[] = []
after(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true })
})

/** A new directory that is gone, with all in it, when the tests of the file are over. */
export function tempDir(): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-'))
  made.push(dir)
  return dir
}
