import type { Audit } from '../domain/enforcer.js'

/** What an audit found wrong, a part of a sentence each; empty: nothing. */
export function findings(audit: Audit, { tellForeign } = { tellForeign: true }): string[] {
  const { missing, wrongEnd, foreign, removed, repaired, rearranged, examples, trouble } = audit
  const found: string[] = []
  const some = (list: readonly string[], count: number) =>
    list.length === 0 ? '' : ` (${list.slice(0, 3).join(', ')}${count > Math.min(3, list.length) ? ', …' : ''})`
  if (rearranged) found.push('table, chains, rules or sets were not as they should be, and are again')
  if (missing > 0) found.push(`${missing} missing${some(examples.missing, missing)}`)
  if (wrongEnd > 0) found.push(`${wrongEnd} with a wrong end`)
  if (missing + wrongEnd > 0) found.push(`${repaired} put right`)
  if (foreign > 0 && (tellForeign || removed > 0))
    found.push(`${foreign} that nobody wants${some(examples.foreign, foreign)}, ${removed} removed`)
  if (trouble !== undefined) found.push(`not repaired: ${trouble}`)
  return found
}
