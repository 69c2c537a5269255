import type { Sourced } from '../domain/origin.js'

export type UseDns = 'yes' | 'warn' | 'no' | 'raw'

/** What a filter is made of, after all interpolation and client-side tags, before its own tags (`<HOST>`, `<F-…>`) are replaced. */
export interface FilterSpec {
  /** File name of the filter without `.conf`; empty for a jail without one. */
  name: string
  failregex: readonly Sourced[]
  ignoreregex: readonly Sourced[]
  /** Lines that forgive the failures of their address; missing: none. */
  successregex?: readonly Sourced[]
  prefregex?: Sourced
  /** Lines of `datepattern`; empty: the default templates (spec 3.11). */
  datepattern: readonly Sourced[]
  /** Lines of the multi-line window, 1: line by line. */
  maxlines: number
  usedns: UseDns
  /** Zone of dates without one (`UTC+0200`); undefined: local time. */
  logtimezone?: string
}
