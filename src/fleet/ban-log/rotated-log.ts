import { constants, open } from 'node:fs/promises'

/** Of the end of the file; more than twenty thousand bans. */
const bytesMax = 4 << 20

/** The last whole lines of the file that the log was before its rotation, as logrotate(8) calls it; empty where there is none that can be read. */
export async function rotatedText(path: string): Promise<string> {
  const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = constants
  try {
    const file = await open(`${path}.1`, O_RDONLY | O_NONBLOCK | O_NOFOLLOW)
    try {
      const facts = await file.stat()
      if (!facts.isFile()) return ''
      const from = Math.max(0, facts.size - bytesMax)
      const { buffer, bytesRead } = await file.read(Buffer.alloc(facts.size - from), 0, facts.size - from, from)
      const text = buffer.toString('latin1', 0, bytesRead)
      return text.slice(from === 0 ? 0 : text.indexOf('\n') + 1, text.lastIndexOf('\n') + 1)
    } finally {
      await file.close()
    }
  } catch {
    return '' // What it says is old; nothing depends on it but bans that a machine that was away has missed.
  }
}
