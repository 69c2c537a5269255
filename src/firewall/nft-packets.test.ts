import { runChild } from '../lib/child.js'
import { systemClock } from '../lib/clock.js'
import { NftCommandEnforcer } from './nft-command.js'
import type { Run } from './nft-tool.js'
import { enterOwnNetwork } from './own-network.js'
import { describePackets } from './packet-contract.js'
import { World } from './test-world.js'

const skip = await enterOwnNetwork()
const run: Run = (argv, stdin) => runChild(argv, { stdin, timeoutMs: 30_000 })

describePackets({
  name: 'the nft command, at ingress too',
  skip,
  make: () => new NftCommandEnforcer({ clock: systemClock, run, ingress: [World.outside] }),
})
