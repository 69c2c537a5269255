import { appendFileSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { replyText } from '../../src/cli/fail2ban/reply-text.js'
import { connectControl } from '../../src/compat/control-client.js'
import { shellWords } from '../../src/config/shell-words.js'
import { localDateTime } from '../../src/lib/log-writer.js'
import { waitUntil } from '../kit/wait-until.js'
import type { Client, Program } from './clients.js'
import type { SessionHouse } from './house.js'

/** One command of a session and what came of it, without what differs from run to run. */
export interface Turn {
  command: string
  code: number
  stdout: string
  stderr: string
}

export type Script = 'commands' | 'lifecycle' | 'oddities'

/** Debian's server looks at its logs once a second, and at its bans every two; and other tests run beside this one. */
const waitMaxMs = 20_000

/**
 * Has the client carry out a script, one of the text files here, with the server of this house. Line by line:
 *
 *     $ WORDS              a command of fail2ban-client; its text and exit code are compared
 *     $ WORDS <<< TEXT     the same, with this as its standard input; `\n` is a line end
 *     % WORDS              the same of fail2ban-server
 *     + FILE TEXT          a line for a log, with the time in front
 *     ? WORDS => TEXT      wait until the answer to the command has this text in it
 *     ! TEXT               wait until an action was asked to do this
 *     > FILE TEXT          write a file; `\n` is a line end
 *
 * Empty lines and lines with `#` are for the reader. `DIR` is the house's directory.
 */
export async function holdSession(script: Script, client: Client, house: SessionHouse): Promise<Turn[]> {
  const lines = readFileSync(path.join(import.meta.dirname, `${script}.txt`), 'utf8').split('\n')
  const turns: Turn[] = []
  for (const line of lines.filter((text) => text !== '' && !text.startsWith('#'))) {
    const [mark, rest] = [line.slice(0, 2), line.slice(2)]
    if (mark === '$ ') turns.push(await turn(rest, 'fail2ban-client', client, house))
    else if (mark.startsWith('%')) turns.push(await turn(rest, 'fail2ban-server', client, house))
    else if (mark === '+ ') append(rest, house)
    else if (mark === '? ') turns.push(await untilAnswered(line, house))
    else if (mark === '! ') turns.push(await untilRecorded(line, house))
    else if (mark === '> ') write(rest, house)
    else throw new Error(`Not understood: ${line}`)
  }
  return turns
}

async function turn(command: string, program: Program, client: Client, house: SessionHouse): Promise<Turn> {
  const [line = '', input = ''] = command.split(' <<< ')
  const words = shellWords(line.replaceAll('DIR', house.dir)) ?? []
  const { code, stdout, stderr } = await client.run(
    program,
    ['-c', house.config, ...words],
    input.replaceAll('\\n', '\n'),
  )
  const text = timeless(stdout, house)
  return { command, code, stdout: command.includes('ignoreip') ? sorted(text) : text, stderr: timeless(stderr, house) }
}

/** Without times, process ids, places, versions, and the two ways to write the tag for addresses (spec section 0). */
function timeless(text: string, house: SessionHouse): string {
  return (
    text
      .replaceAll(house.dir, 'DIR')
      // What a dialogue begins with.
      .replace(/^.*Fail2Ban v[\s\S]*?\n\n(?=fail2ban> )/m, '')
      .replace(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (fail2ban\S*) *\[\d+\]: /gm, '$1 ')
      .replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'TIME')
      .replace(/\b1\.\d\.\d\b/g, 'VERSION')
      .replaceAll('{1,4}::?|::)', '{1,4}::?|:)')
  )
}

/** Fail2ban keeps ignored addresses as a set, whose order is nobody's. */
function sorted(tree: string): string {
  return tree
    .split('\n')
    .map((line) => line.replace(/^[|`]- /, '- '))
    .sort()
    .join('\n')
}

function append(rest: string, house: SessionHouse): void {
  const [file = '', ...words] = rest.split(' ')
  appendFileSync(house.at(file), `${localDateTime(Date.now())} ${words.join(' ')}\n`)
}

function write(rest: string, house: SessionHouse): void {
  const [file = '', ...words] = rest.split(' ')
  house.write(file, words.join(' ').replaceAll('\\n', '\n'))
}

/** A session goes on where it has waited in vain; the wait is then one of its turns. */
async function until(line: string, isTrue: () => Promise<boolean>, seen: () => string): Promise<Turn> {
  try {
    await waitUntil(isTrue, '', waitMaxMs)
    return { command: line, code: 0, stdout: '', stderr: '' }
  } catch {
    return { command: line, code: 1, stdout: seen(), stderr: '' }
  }
}

async function untilAnswered(line: string, house: SessionHouse): Promise<Turn> {
  const [command = '', text = ''] = line.slice(2).split(' => ')
  let seen = ''
  const has = async () => {
    seen = await answer(command.split(' '), house)
    return seen.includes(text)
  }
  return until(line, has, () => `waited in vain, the answer is ${seen}`)
}

function untilRecorded(line: string, house: SessionHouse): Promise<Turn> {
  const has = async () => house.recorded().some((one) => one.includes(line.slice(2)))
  return until(line, has, () => 'waited in vain')
}

async function answer(words: readonly string[], house: SessionHouse): Promise<string> {
  const connection = await connectControl(house.socket)
  try {
    const reply = await connection.send(words)
    return reply.kind === 'result' ? replyText(words, reply.value, true) : reply.kind
  } finally {
    connection.close()
  }
}
