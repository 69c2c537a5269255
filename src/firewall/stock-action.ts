import { createHash } from 'node:crypto'
import type { ActionSpec } from '../domain/action-spec.js'
import { canonicalText, parameterValues } from './canonical-action.js'
import { type ShapePart, stockFingerprints } from './stock-fingerprints.js'

/** An action whose commands are those of a release, to the letter. */
export interface StockAction {
  /** Where its rules go if nobody says otherwise: `INPUT`; undefined when it names no chain. */
  chain: string | undefined
  /** Its commands name ports; otherwise it closes all. */
  namesPorts: boolean
  /** Its commands name protocols; otherwise it closes all. */
  namesProtocols: boolean
  /** Connections that are established go on. */
  newOnly: boolean
  /** It logs what it keeps out. */
  logs: boolean
  values: ReadonlyMap<string, string>
}

/**
 * Which stock action this is, by its commands as they would run, not by its name; undefined when they differ in anything but the values
 * of its parameters. NOTE: what is compared are fingerprints (see `Fingerprint`); Fail2ban's texts are not in this program.
 */
export function stockAction(action: ActionSpec): StockAction | undefined {
  const text = canonicalText(action.properties)
  const byChain = new Map<string, ReadonlyMap<string, string>>()
  for (const fingerprint of stockFingerprints()) {
    const known = fingerprint.chain ?? ''
    const values = byChain.get(known) ?? parameterValues(action.properties, { chain: known })
    byChain.set(known, values)
    if (fixedTextHash(text, fingerprint.shape, values) !== fingerprint.sha256) continue
    const { chain, newOnly, logs, shape } = fingerprint
    const names = (parameter: string) => shape.some((part) => part.parameter === parameter)
    return { chain, newOnly, logs, namesPorts: names('port'), namesProtocols: names('protocol'), values }
  }
  return undefined
}

/** SHA-256 (hex) of what is fixed in the text, if the values stand where the shape says. */
export function fixedTextHash(
  text: string,
  shape: readonly ShapePart[],
  values: ReadonlyMap<string, string>,
): string | undefined {
  const length = ({ fixedLength, parameter = '' }: ShapePart) => fixedLength + (values.get(parameter)?.length ?? 0)
  // Nearly every other action ends here.
  if (shape.reduce((sum, part) => sum + length(part), 0) !== text.length) return undefined
  const hash = createHash('sha256')
  let at = 0
  for (const { fixedLength, parameter } of shape) {
    hash.update(text.slice(at, at + fixedLength)).update('\0')
    at += fixedLength
    if (parameter === undefined) continue
    const value = values.get(parameter)
    if (value === undefined || !text.startsWith(value, at)) return undefined
    at += value.length
  }
  return hash.digest('hex')
}
