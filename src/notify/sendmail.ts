import type { ChildOptions, ChildResult } from '../lib/child.js'

/** Where sendmail is, or what calls itself so (postfix, exim, msmtp); the last by the PATH. */
const sendmailPlaces: readonly string[] = ['/usr/sbin/sendmail', '/usr/lib/sendmail', 'sendmail']

const sendMs = 60_000

export interface SendOptions {
  run(argv: readonly string[], options: ChildOptions): Promise<ChildResult>
  signal: AbortSignal
  sendmail?: readonly string[]
}

/** Hands a whole mail to the program, or to sendmail. Rejects with what it said. */
export async function sendByProgram(
  argv: readonly string[] | undefined,
  text: string,
  options: SendOptions,
): Promise<void> {
  const tries = argv ? [argv] : (options.sendmail ?? sendmailPlaces).map((place) => [place, '-i', '-t'])
  let problem = ''
  for (const one of tries) {
    const { exitCode, signal, stderr, timedOut } = await options.run(one, {
      stdin: text,
      timeoutMs: sendMs,
      signal: options.signal,
    })
    if (exitCode === 0) return
    const how = timedOut ? 'did not end in time' : `exit code ${exitCode ?? signal}`
    problem = `Cannot send mail by ${one.join(' ')}: ${how}; it said: ${stderr.trim() || 'nothing'}`
    if (exitCode !== 127) break
  }
  throw new Error(problem)
}
