import { appendFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Network } from '../../src/firewall/own-network.js'
import { type RunningChild, runChild, startChild } from '../../src/lib/child.js'

const table = 'table inet seed {\n set banned {\n type ipv4_addr\n }\n}\n'
/** NOTE: coreutils' tail takes inotify where it can; on a network mount it cannot, and looks every second, which `---disable-inotify` is. */
const follow =
  'tail -n 0 -F -s 1 ---disable-inotify "$1" | while read -r ip; do nft add element inet seed banned "{ $ip }"; done'

/** How a fleet was made before there was one: a file that all machines share, which each of them tails, looking every second. */
export class SeedWay {
  readonly #file: string
  readonly #tailers: RunningChild[]

  private constructor(file: string, tailers: RunningChild[]) {
    this.#file = file
    this.#tailers = tailers
  }

  static async in(networks: readonly Network[], dir: string): Promise<SeedWay> {
    const file = path.join(dir, 'newbans.log')
    writeFileSync(file, '')
    const tailers: RunningChild[] = []
    for (const network of networks)
      await network.within(async () => {
        const { exitCode, stderr } = await runChild(['nft', '-f', '-'], { stdin: table, timeoutMs: 10_000 })
        if (exitCode !== 0) throw new Error(`nft: ${stderr}`)
        tailers.push(startChild(['sh', '-c', follow, 'sh', file], { onStdout: () => {} }))
      })
    return new SeedWay(file, tailers)
  }

  tell(ip: string): void {
    appendFileSync(this.#file, `${ip}\n`)
  }

  end(): void {
    for (const tailer of this.#tailers) tailer.stop()
  }
}
