import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { fail2banProgram } from '../../src/cli/fail2ban/program.js'

/** What a command printed, and its exit code. */
export interface Outcome {
  code: number
  stdout: string
  stderr: string
}

/** A program with Fail2ban's command line. */
export interface Client {
  run(argv: readonly string[], stdin?: string): Promise<Outcome>
  close(): void
}

/** Ours, in this process. */
export const ownClient: Client = {
  async run(argv, stdin = '') {
    const outcome: Outcome = { code: -1, stdout: '', stderr: '' }
    outcome.code = await fail2banProgram('fail2ban-client', argv, {
      stdin: Readable.from([stdin]),
      stdout: {
        write: (text) => {
          outcome.stdout += text
        },
      },
      stderr: {
        write: (text) => {
          outcome.stderr += text
        },
      },
    })
    return outcome
  },
  close() {},
}

/** Debian's, in a Python that stays. */
export function debianClient(): Client {
  const python = spawn('/usr/bin/python3', [path.join(import.meta.dirname, 'peer-client.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const answers = createInterface({ input: python.stdout })[Symbol.asyncIterator]()
  return {
    async run(argv, stdin = '') {
      python.stdin.write(`${JSON.stringify({ argv: ['/usr/bin/fail2ban-client', ...argv], stdin })}\n`)
      const answer = await answers.next()
      assert.ok(answer.done !== true, "Debian's client has ended")
      return JSON.parse(answer.value) as Outcome
    },
    close: () => python.stdin.end(),
  }
}
