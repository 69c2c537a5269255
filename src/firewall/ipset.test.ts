import { systemClock } from '../lib/clock.js'
import { describeEnforcer } from './enforcer-contract.js'
import { IpsetEnforcer } from './ipset.js'
import { IpsetTool } from './ipset-tool.js'
import { enterOwnNetwork, passRealTime } from './own-network.js'

const tool = new IpsetTool(systemClock)
const skip = (await enterOwnNetwork()) ?? (await tool.problem())

describeEnforcer({
  name: 'the enforcer by ipset and iptables',
  skip,
  make: () => new IpsetEnforcer({ clock: systemClock, tool }),
  // Its ends are whole seconds.
  pass: (ms) => passRealTime(ms + 1_000),
  outlives: true,
})
