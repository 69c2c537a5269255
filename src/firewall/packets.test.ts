import { systemClock } from '../lib/clock.js'
import { KernelEnforcer } from './kernel.js'
import { enterOwnNetwork } from './own-network.js'
import { describePackets } from './packet-contract.js'
import { World } from './test-world.js'

const skip = await enterOwnNetwork()

describePackets({ name: 'netlink', skip, make: () => new KernelEnforcer({ clock: systemClock }) })
describePackets({
  name: 'netlink at ingress',
  skip,
  make: () => new KernelEnforcer({ clock: systemClock, ingress: [World.outside] }),
})
