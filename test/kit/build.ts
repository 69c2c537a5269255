import assert from 'node:assert/strict'
import path from 'node:path'
import { runChild } from '../../src/lib/child.js'

/** Of the checkout. */
export const root = path.resolve(import.meta.dirname, '../..')

/** Brings what `bin` starts up to the sources; nearly nothing to do when it is. */
export async function build(): Promise<void> {
  const argv = [process.execPath, path.join(root, 'scripts/build.mjs')]
  const { exitCode, stderr } = await runChild(argv, { timeoutMs: 60_000 })
  assert.equal(exitCode, 0, stderr)
}
