import type { Drops } from '../domain/enforcer.js'
import { noStrangers, type Strangers } from './arrangement.js'
import { tableName } from './layout.js'
import { chainNamesIn, counterNamesIn, countersIn, type ListedElement, listedElements, setNamesIn } from './nft-json.js'
import { arrangementText } from './nft-text.js'
import { programFailure } from './program-failure.js'

/** Runs a program with this standard input. */
export type Run = (
  argv: readonly string[],
  stdin: string,
) => Promise<{ exitCode: number | undefined; stdout: string; stderr: string }>

/** The nft(8) command, as far as we need it. Every call is one process. */
export class NftTool {
  readonly #run: Run

  constructor(run: Run) {
    this.#run = run
  }

  /** Throws unless this machine's nft may and can do what we need; changes nothing. */
  async probe(): Promise<void> {
    const argv = ['nft', '-c', '-f', '-']
    const answer = await this.#run(
      argv,
      arrangementText({ scopes: [{ jail: 'probe', ports: 'all', protocols: ['tcp'] }] }),
    )
    if (answer.exitCode !== 0) throw programFailure(argv, answer)
  }

  /** Runs a script: one transaction. */
  async script(script: string): Promise<void> {
    const argv = ['nft', '-f', '-']
    const answer = await this.#run(argv, script)
    if (answer.exitCode !== 0) throw programFailure(argv, answer)
  }

  /** Sets, chains and counters of our table; none when there is no table. */
  async names(): Promise<Strangers> {
    const answer = await this.#run(['nft', '-j', '-t', 'list', 'table', 'inet', tableName], '')
    if (answer.exitCode !== 0) return noStrangers
    const { stdout } = answer
    return { sets: setNamesIn(stdout), chains: chainNamesIn(stdout), counters: counterNamesIn(stdout) }
  }

  /** What the counters of our table have counted, by name. */
  async counters(): Promise<Map<string, Drops>> {
    const answer = await this.#run(['nft', '-j', 'list', 'counters', 'table', 'inet', tableName], '')
    return answer.exitCode === 0 ? countersIn(answer.stdout) : new Map()
  }

  /** Everything in all sets of our table, or in one of them. */
  async list(set?: string): Promise<ReadonlyMap<string, ListedElement[]>> {
    const what = set === undefined ? ['table', 'inet', tableName] : ['set', 'inet', tableName, set]
    const argv = ['nft', '-j', 'list', ...what]
    const answer = await this.#run(argv, '')
    if (answer.exitCode !== 0) throw programFailure(argv, answer)
    return listedElements(answer.stdout)
  }

  /**
   * What one element counted; undefined when it is not there. As text: `nft -j get` of nft 1.0.6 answers in text all the same.
   * NOTE: nft reads more than that element: 43 s in a set of a million.
   */
  async drops(set: string, element: string): Promise<Drops | 'uncounted' | undefined> {
    const answer = await this.#run(['nft', 'get', 'element', 'inet', tableName, set, '{', element, '}'], '')
    if (answer.exitCode !== 0) return undefined
    const counter = /\bcounter packets (\d+) bytes (\d+)/.exec(answer.stdout)
    return counter === null ? 'uncounted' : { packets: Number(counter[1]), bytes: Number(counter[2]) }
  }
}
