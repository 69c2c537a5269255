import { systemClock } from '../lib/clock.js'
import { IpsetEnforcer } from './ipset.js'
import { IpsetTool } from './ipset-tool.js'
import { enterOwnNetwork } from './own-network.js'
import { describePackets } from './packet-contract.js'

const skip = await enterOwnNetwork()
// What kernels without nf_tables need; the enforcer's contract is tried with the program that is usual here.
const legacy = new IpsetTool(systemClock, 'iptables-legacy')
const usual = new IpsetTool(systemClock)
const tool = (await legacy.problem()) === undefined ? legacy : usual

describePackets({
  name: 'ipset and iptables',
  skip: skip ?? (await tool.problem()),
  make: () => new IpsetEnforcer({ clock: systemClock, tool }),
  // Its ends are whole seconds.
  endsSoonMs: 1_000,
})
