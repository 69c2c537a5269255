import type { Clock } from '../lib/clock.js'
import { messageOf } from '../lib/error-message.js'
import type { Log } from '../lib/log.js'
import { PyTuple, type PyValue, tuple } from '../lib/python-repr.js'
import { typeName, wrongType } from './arguments.js'
import { planOf } from './commands.js'
import type { ResolveTxt } from './cymru.js'
import { type Command, CommandError, type Fail2banServer, invalidCommand } from './fail2ban-server.js'
import { readPickle } from './pickle-reader.js'
import { requestLimits } from './pickle-size.js'
import { writeFailure, writePickle } from './pickle-writer.js'
import type { Plan } from './plan.js'
import { shortRepr } from './short-repr.js'

/** What somebody at the socket may do: everything, or only what a member of its group may. */
export type Rights = 'all' | 'read and ban'

export interface TransmitterOptions {
  server: Fail2banServer
  log: Log
  clock: Clock
  resolveTxt: ResolveTxt
}

/** A whole stream may be in a command; the log gets its begin. */
const logCharactersMax = 2000

/**
 * Answers requests of Fail2ban's clients, pickle for pickle (spec 7.1, 7.3). Commands that change something wait for one another,
 * whoever sent them; reading and banning waits for nobody, so an action may ban by a client while a reload waits for that action.
 */
export class Transmitter {
  readonly #options: TransmitterOptions
  #lastChange: Promise<unknown> = Promise.resolve()
  #isEnding = false

  constructor(options: TransmitterOptions) {
    this.#options = options
  }

  /** From now on everybody hears that the server ends. */
  end(): void {
    this.#isEnding = true
  }

  /** Never rejects. */
  async answer(request: Buffer, rights: Rights): Promise<Buffer> {
    let command: PyValue
    try {
      command = readPickle(request, requestLimits)
    } catch (error) {
      this.#options.log.write('ERROR', 'asyncserver', `PROTO-error: load message failed: ${messageOf(error)}`)
      return writePickle(`ERROR: ${messageOf(error)}`)
    }
    if (this.#isEnding) return writePickle(['SHUTDOWN'])
    try {
      return writePickle(tuple(0, await this.#proceed(command, rights)))
    } catch (error) {
      return this.#failed(command, error)
    }
  }

  async #proceed(command: PyValue, rights: Rights): Promise<PyValue> {
    const { server, clock } = this.#options
    const sleep = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve))
    const words = wordsOf(command)
    const plan = planOf(words, { ...this.#options, sleep })
    if (rights !== 'all' && plan.kind !== 'read' && plan.kind !== 'ban')
      throw invalidCommand('Permission denied: only root may do this; members of the group may read, ban and unban')
    if (plan.kind !== 'change') return plan.run(server)
    return this.#change(plan, words.length === 1 && words[0] === 'stop')
  }

  async #change(plan: Plan, isLast: boolean): Promise<PyValue> {
    const before = this.#lastChange
    const change = (async () => {
      await before.catch(() => {}) // Whoever asked for it was told.
      return isLast ? this.#stop(plan) : plan.run(this.#options.server)
    })()
    this.#lastChange = change
    return change
  }

  /** A stop that failed is none. */
  async #stop(plan: Plan): Promise<PyValue> {
    this.end()
    try {
      return await plan.run(this.#options.server)
    } catch (error) {
      this.#isEnding = false
      throw error
    }
  }

  #failed(command: PyValue, error: unknown): Buffer {
    const failure = failureOf(error)
    const name = failure.exception.slice(failure.exception.lastIndexOf('.') + 1)
    const args = failure.args.map((value) => shortRepr(value, logCharactersMax)).join(', ')
    const text = `Command ${shortRepr(command, logCharactersMax)} has failed. Received ${name}(${args})`
    // What no command should come to is a mistake of ours: then its place counts.
    const place = error instanceof CommandError || !(error instanceof Error) ? '' : `\n${error.stack}`
    this.#options.log.write('ERROR', 'transmitter', text + place)
    return writeFailure(failure)
  }
}

function wordsOf(command: PyValue): Command {
  if (Array.isArray(command)) return command
  if (command instanceof PyTuple) return command.items
  if (typeof command === 'string') return [...command]
  throw wrongType(`'${typeName(command)}' object is not subscriptable`)
}

/** A client must be able to read it, whatever it is: what is no failure of Fail2ban's becomes Python's RuntimeError. */
function failureOf(error: unknown): Pick<CommandError, 'exception' | 'args'> {
  return error instanceof CommandError ? error : { exception: 'builtins.RuntimeError', args: [messageOf(error)] }
}
