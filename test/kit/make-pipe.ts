import { runChild } from '../../src/lib/child.js'

/** A named pipe (FIFO), in whose place a file is expected. */
export async function makePipe(path: string): Promise<void> {
  const { exitCode, stderr } = await runChild(['mkfifo', path], { timeoutMs: 10_000 })
  if (exitCode !== 0) throw new Error(stderr)
}
