import { systemClock } from '../lib/clock.js'
import { describeEnforcer } from './enforcer-contract.js'
import { KernelEnforcer } from './kernel.js'
import { enterOwnNetwork, passRealTime } from './own-network.js'

const skip = await enterOwnNetwork()

for (const [name, features] of [
  ['the netlink enforcer', undefined],
  ['the netlink enforcer on a kernel before Linux 6.3', { canUpdate: false, canDestroy: false }],
] as const)
  describeEnforcer({
    name,
    skip,
    make: () => new KernelEnforcer({ clock: systemClock, ...(features && { features }) }),
    pass: passRealTime,
    outlives: true,
  })
