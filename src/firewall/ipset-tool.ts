import { existsSync } from 'node:fs'
import { runChild, startChild } from '../lib/child.js'
import type { Clock } from '../lib/clock.js'
import { messageOf } from '../lib/error-message.js'
import { isOurs, readSaved, type SavedElement } from './ipset-layout.js'
import type { Table } from './ipset-rules.js'
import { programFailure } from './program-failure.js'

const timeoutMs = 60_000
/** Rules of others are in what we read, too. Of more than this the rest is cut, and our chain may be found missing and made again. */
const rulesBytesMax = 16 << 20
/** `ipset restore` is fed so many lines at once: some megabytes, and nobody else waits long for the sets. */
const linesMax = 20_000
/** A line of `ipset save` has some 130 characters. What is longer is no line of ours. */
const lineCharsMax = 4_096

/** Kernels without nf_tables need the programs that speak to the older tables, which some systems have under another name. */
const ipsetVariants = ['iptables', 'iptables-legacy'] as const
type Variant = (typeof ipsetVariants)[number]

/** The programs ipset(8) and iptables(8) with its companions, as far as we need them. Every call is one process. */
export class IpsetTool {
  readonly #clock: Clock
  /** IPv6 may be off, and then it has no tables. */
  readonly families: readonly (4 | 6)[] = existsSync('/proc/net/if_inet6') ? [4, 6] : [4]
  #variant: Variant | undefined

  constructor(clock: Clock, variant?: Variant) {
    this.#clock = clock
    this.#variant = variant
  }

  /** Throws unless this machine's programs may and can do what we need; changes nothing. */
  async probe(): Promise<void> {
    await this.setNames()
    const refusals: string[] = []
    for (const variant of this.#variant === undefined ? ipsetVariants : [this.#variant]) {
      this.#variant = variant
      try {
        for (const family of this.families) await this.rules('raw', family)
        return
      } catch (error) {
        refusals.push(messageOf(error))
      }
    }
    this.#variant = undefined
    throw new Error(refusals.join('; '))
  }

  /** Why it cannot be used here; undefined when it can. */
  async problem(): Promise<string | undefined> {
    return this.probe().then(() => undefined, messageOf)
  }

  /** Names of our sets. */
  async setNames(): Promise<string[]> {
    return (await runOrThrow(['ipset', 'list', '-n'])).split('\n').filter((name) => name !== '' && isOurs(name))
  }

  /** How many elements our sets have; those that have ended do not count (Linux 4.10 and newer). */
  async sizes(): Promise<Map<string, number>> {
    const sizes = new Map<string, number>()
    const text = await runOrThrow(['ipset', 'list', '-t'])
    for (const [, name = '', count] of text.matchAll(/^Name: (\S+)$(?:\n.+)*?\nNumber of entries: (\d+)$/gm))
      if (isOurs(name)) sizes.set(name, Number(count))
    return sizes
  }

  /** NOTE: no transaction: where a line fails, those before it have been done. */
  async restore(lines: Iterable<string>): Promise<void> {
    let batch: string[] = []
    for (const line of lines) {
      if (batch.push(line) < linesMax) continue
      await this.#restore(batch)
      batch = []
    }
    if (batch.length > 0) await this.#restore(batch)
  }

  async has(set: string, element: string): Promise<boolean> {
    const { exitCode } = await runChild(['ipset', '-q', 'test', set, element], { timeoutMs })
    return exitCode === 0
  }

  /** Shows every element of a set as it is read, so that memory does not grow with the set. */
  async eachElement(set: string, visit: (element: SavedElement) => void): Promise<void> {
    const decoder = new TextDecoder()
    let rest = ''
    const argv = ['ipset', 'save', set]
    const child = startChild(argv, {
      onStdout(piece) {
        const lines = (rest + decoder.decode(piece, { stream: true })).split('\n')
        rest = (lines.pop() ?? '').slice(0, lineCharsMax)
        for (const line of lines) {
          const element = readSaved(line)
          if (element !== undefined) visit(element)
        }
      },
    })
    const cancel = this.#clock.after(timeoutMs, () => child.stop())
    const answer = await child.ended
    cancel()
    if (answer.exitCode !== 0) throw programFailure(argv, answer)
  }

  /** What iptables-save says of a table; nothing where there is no such table. */
  async rules(table: Table, family: 4 | 6, options: readonly string[] = []): Promise<string> {
    return await runOrThrow([await this.#program(family, 'save'), ...options, '-t', table])
  }

  /** Changes a table as a whole. */
  async replaceRules(family: 4 | 6, text: string): Promise<void> {
    await runOrThrow([await this.#program(family, 'restore'), '--wait', '10', '--noflush'], text)
  }

  async #restore(lines: readonly string[]): Promise<void> {
    await runOrThrow(['ipset', 'restore'], `${lines.join('\n')}\n`)
  }

  async #program(family: 4 | 6, what: 'save' | 'restore'): Promise<string> {
    if (this.#variant === undefined) await this.probe()
    const variant = this.#variant ?? ipsetVariants[0]
    return `${family === 4 ? variant : variant.replace('ip', 'ip6')}-${what}`
  }
}

async function runOrThrow(argv: readonly string[], stdin = ''): Promise<string> {
  const answer = await runChild(argv, { stdin, timeoutMs, outputBytesMax: rulesBytesMax })
  if (answer.exitCode !== 0) throw programFailure(argv, answer)
  return answer.stdout
}
