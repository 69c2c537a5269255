import type { Origin } from './origin.js'

/** One action of a jail after all interpolation and client-side tags (spec 1.8, 2.4). */
export interface ActionSpec {
  /** File name without `.conf`, or `x.py`. */
  file: string
  /** Name under which the jail knows it (`actname`, else the file name). */
  name: string
  /** Properties in the order in which Fail2ban sends them: `actionstart`, `actionban`, `port`, `x?family=inet6`, … */
  properties: readonly (readonly [name: string, value: string])[]
  origin: Origin
}
