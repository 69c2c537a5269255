import type { FilterSpec, UseDns } from '../match/filter-spec.js'
import type { JailReading } from './jail-file.js'
import type { JailValues } from './jail-values.js'
import { tracedOf, type Value } from './merged-ini.js'
import { linesOf, originOf, type Traced } from './traced.js'

/** The jail's filter with what the jail overrides. `options` are those of the filter file and the jail together. */
export function filterSpec(reading: JailReading, options: ReadonlyMap<string, Value>, values: JailValues): FilterSpec {
  const at = (name: string): Traced | undefined => {
    const value = options.get(name)
    return value === undefined ? undefined : tracedOf(value, reading.origin)
  }
  const lines = (name: string) => linesOf(at(name) ?? { text: '', marks: [] })
  const prefregex = at('prefregex')
  const logtimezone = values.text('logtimezone')
  const successregex = lines('successregex')
  return {
    name: reading.filter?.name ?? '',
    failregex: lines('failregex'),
    ignoreregex: lines('ignoreregex'),
    ...(successregex.length > 0 && { successregex }),
    ...(prefregex && prefregex.text !== '' && { prefregex: { value: prefregex.text, origin: originOf(prefregex) } }),
    datepattern: lines('datepattern'),
    maxlines: maxLines(options.get('maxlines'), reading, values),
    usedns: useDns(at('usedns'), values),
    ...(logtimezone !== undefined && { logtimezone }),
  }
}

function maxLines(value: Value, reading: JailReading, values: JailValues): number {
  if (typeof value === 'number' && value >= 1) return value
  const inFilter = reading.filter?.definition.notConverted.find(({ name }) => name === 'maxlines')?.text
  const written = values.written('maxlines') ?? inFilter
  if (written === undefined && value === undefined) return 1
  const text = written?.text ?? String(value)
  const origin = written ? originOf(written) : (reading.filter?.origin ?? reading.origin)
  values.fail(`maxlines "${text}" is not a whole number of at least 1`, origin, 'write maxlines = 1, for example')
  return 1
}

function useDns(written: Traced | undefined, values: JailValues): UseDns {
  const word = written?.text.toLowerCase()
  if (word === undefined || word === '') return 'warn'
  if (word === 'yes' || word === 'warn' || word === 'no' || word === 'raw') return word
  // Fail2ban takes every other word for "no", with an error in its log.
  if (written) values.warn(`usedns "${word}" means "no"`, originOf(written), 'use yes, warn, no or raw')
  return 'no'
}
