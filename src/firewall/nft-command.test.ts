import { runChild } from '../lib/child.js'
import { systemClock } from '../lib/clock.js'
import { describeEnforcer } from './enforcer-contract.js'
import { NftCommandEnforcer } from './nft-command.js'
import type { Run } from './nft-tool.js'
import { enterOwnNetwork, passRealTime } from './own-network.js'

const skip = await enterOwnNetwork()
const run: Run = (argv, stdin) => runChild(argv, { stdin, timeoutMs: 30_000, outputBytesMax: 64 << 20 })

describeEnforcer({
  name: 'the enforcer by nft command',
  skip,
  make: () => new NftCommandEnforcer({ clock: systemClock, run }),
  pass: passRealTime,
  outlives: true,
})
