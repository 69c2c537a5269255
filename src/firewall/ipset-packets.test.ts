import { systemClock } from '../lib/clock.js'
import { IpsetEnforcer } from './ipset.js'
import { IpsetTool, ipsetVariants } from './ipset-tool.js'
import { enterOwnNetwork } from './own-network.js'
import { describePackets } from './packet-contract.js'

const skip = await enterOwnNetwork()

for (const variant of ipsetVariants) {
  const tool = new IpsetTool(systemClock, variant)
  const reason = skip ?? (await tool.problem())
  describePackets({
    name: `ipset and ${variant}`,
    skip: reason,
    make: () => new IpsetEnforcer({ clock: systemClock, tool }),
    // Its ends are whole seconds.
    endsSoonMs: 1_000,
  })
}
