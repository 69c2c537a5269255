import { setFlagsFromString } from 'node:v8'
import { type Context, exit } from './context.js'

// V8 goes over to a matcher without backtracking where a pattern backtracks too much; it must know before the first pattern.
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks')

export type Program = 'tocsin' | 'fail2ban-client' | 'fail2ban-server' | 'fail2ban-regex'

/** Runs one of our programs with the words behind its name; resolves to the exit code. */
export async function main(program: Program, argv: readonly string[]): Promise<number> {
  if (program === 'fail2ban-client' || program === 'fail2ban-server') {
    const [{ fail2banProgram }, { endProcess }] = await Promise.all([
      import('./fail2ban/program.js'),
      import('./fail2ban/end-process.js'),
    ])
    const exitCode = await fail2banProgram(program, argv, process)
    endProcess(exitCode)
    return exitCode
  }
  if (program === 'fail2ban-regex') {
    const { fail2banRegex } = await import('./regex/fail2ban-regex.js')
    return fail2banRegex(argv, process)
  }
  const streams: Context['process'] = { stdout: process.stdout, stderr: process.stderr }
  const { proposals, runCommandLine } = await import('./application.js')
  if (argv[0] === '__complete') {
    process.stdout.write((await proposals(argv.slice(1), streams)).map((word) => `${word}\n`).join(''))
    return exit.ok
  }
  return runCommandLine(argv, streams)
}
