import { createInterface } from 'node:readline'
import { shellWords } from '../../config/shell-words.js'
import type { Session } from './session.js'
import type { Streams } from './streams.js'

const prompt = 'fail2ban> '

export interface Dialogue {
  session: Session
  stdin: Streams['stdin']
  stdout: Streams['stdout']
  /** What is shown first, and for `help`. */
  greeting: string
  help: string
  /** Carries out one command. What it returns does not end the dialogue. */
  run(words: readonly string[]): Promise<boolean>
}

/** `-i`: commands line by line until `exit`, `quit` (well) or the end of the input (not well, as with Fail2ban). */
export async function interact({ session, stdin, stdout, greeting, help, run }: Dialogue): Promise<boolean> {
  stdout.write(`${greeting}\n\n`)
  const isTerminal = stdin.isTTY === true
  const lines = createInterface({
    input: stdin,
    // On a terminal with line editing and history, which then echoes.
    ...(isTerminal && { output: process.stdout }),
    terminal: isTerminal,
    prompt,
  })
  const ask = () => (isTerminal ? lines.prompt() : stdout.write(prompt))
  try {
    ask()
    for await (const line of lines) {
      const words = shellWords(line)
      if (words?.length === 1 && (words[0] === 'exit' || words[0] === 'quit')) return true
      if (words === undefined) session.log.say('ERROR', 'No closing quotation')
      else if (words.length === 1 && words[0] === 'help') stdout.write(`${help}\n`)
      else if (words.length > 0) await run(words)
      ask()
    }
  } finally {
    lines.close()
  }
  stdout.write('\n')
  session.log.say('ERROR', 'EOF when reading a line')
  return false
}
