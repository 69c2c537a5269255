import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { fail2banProgram } from '../../src/cli/fail2ban/program.js'
import { runChild } from '../../src/lib/child.js'

/** What a command printed, and its exit code. */
export interface Outcome {
  code: number
  stdout: string
  stderr: string
}

export type Program = 'fail2ban-client' | 'fail2ban-server'

/** Programs with Fail2ban's command line. */
export interface Client {
  run(program: Program, argv: readonly string[], stdin?: string): Promise<Outcome>
  close(): void
}

/** Ours, in this process. */
export const ownClient: Client = {
  async run(program, argv, stdin = '') {
    const outcome: Outcome = { code: -1, stdout: '', stderr: '' }
    outcome.code = await fail2banProgram(program, argv, {
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
    async run(program, argv, stdin = '') {
      python.stdin.write(`${JSON.stringify({ argv: [`/usr/bin/${program}`, ...argv], stdin })}\n`)
      const answer = await answers.next()
      assert.ok(answer.done !== true, "Debian's client has ended")
      return JSON.parse(answer.value) as Outcome
    },
    close: () => python.stdin.end(),
  }
}

/** Programs in this directory, each command a process. `before`: what runs them. */
export function programsIn(dir: string, before: readonly string[] = []): Client {
  return {
    async run(program, argv, stdin = '') {
      const { exitCode, stdout, stderr } = await runChild([...before, path.join(dir, program), ...argv], {
        timeoutMs: 40_000,
        stdin,
      })
      return { code: exitCode ?? -1, stdout, stderr }
    },
    close() {},
  }
}
