import { parseIp } from '../../domain/address.js'
import { tagPattern } from '../../lib/tag.js'
import { fieldOfTag } from '../../match/tags.js'
import type { Found } from './examiner.js'
import { type Fields, type FieldValue, printedField, reprField, reprFields, Tuple } from './python-fields.js'

/** One failure to be printed. */
interface Failure {
  id: string
  time: string
  fields: Fields
  /** Log lines, as written. */
  lines: string[]
}

export interface OutOptions {
  nowMs: number
  reverseName: (ip: string) => string | undefined
}

/** What `-o TOKEN` prints for the failures of one line (spec section 11.3). */
export type FailurePrinter = (found: readonly Found[]) => string[]

export function failurePrinter(token: string, options: OutOptions): FailurePrinter {
  const print = printerOf(token, options)
  return (found) => {
    const failures = found.flatMap(({ finding, fields, isWholeTime }) => {
      if (finding.id === undefined || finding.isNofail) return []
      const time = timeText(finding.timeMs, isWholeTime)
      const known = fields ?? new Map<string, FieldValue>()
      return [{ id: finding.id, time, fields: known, lines: linesOf(known) }]
    })
    return failures.length === 0 ? [] : print(failures)
  }
}

function printerOf(token: string, options: OutOptions): (failures: readonly Failure[]) => string[] {
  if (token === 'id' || token === 'fid') return (failures) => failures.map(({ id }) => id)
  if (token === 'ip') return (failures) => failures.map(addressOf)
  if (token === 'msg') return (failures) => failures.flatMap(({ lines }) => lines)
  if (token === 'row') return (failures) => failures.map(rowOf)
  if (!token.includes('<')) return (failures) => failures.map(({ fields }) => printedField(fields.get(token)))
  return (failures) => filled(token, failures, options)
}

const addressOf = ({ id, fields }: Failure): string => (fields.has('ip') ? printedField(fields.get('ip')) : id)

function rowOf({ id, time, fields }: Failure): string {
  const data = new Map(fields)
  data.delete('matches')
  const fid = fields.get('fid')
  return `[${reprField(fid instanceof Tuple ? fid : id)},\t${time},\t${reprFields(data)}],`
}

function linesOf(fields: Fields): string[] {
  const lines = fields.get('matches')
  return Array.isArray(lines) ? lines.map((parts: readonly string[]) => parts.join('')) : []
}

/** Seconds as Python prints a float; None for a line whose time is not known. */
function timeText(timeMs: number | undefined, isWhole: boolean): string {
  if (timeMs === undefined) return 'None'
  // To microseconds, so that the fraction is the one that was written.
  const seconds = Math.round(timeMs * 1000) / 1e6
  return Number.isInteger(seconds) && !isWhole ? `${seconds}.0` : String(seconds)
}

/** Stands for the line in a text that is printed once for each line of a failure. */
const linePlace = '\0msg\0'

/** A text with tags, filled for each failure; with `<msg>` once for each of its lines when there are several. */
function filled(template: string, failures: readonly Failure[], options: OutOptions): string[] {
  const printed: string[] = []
  const wrapped: { text: string; lines: string[] }[] = []
  let isWrapping = false
  for (const failure of failures) {
    const text = template.replace(tagPattern, (tag, name: string) => {
      if (name !== 'msg') return (tagValue(name, failure, options) ?? tag).replaceAll('\0', '\\x00')
      isWrapping ||= failure.lines.length > 1
      return isWrapping ? linePlace : failure.lines.join('\n')
    })
    if (isWrapping) wrapped.push({ text, lines: failure.lines })
    else printed.push(text)
  }
  const unwrapped = wrapped.flatMap(({ text, lines }) => lines.map((line) => text.replaceAll(linePlace, () => line)))
  return [...printed, ...unwrapped]
}

/** Undefined: an unknown tag, which stays as it is. */
function tagValue(tag: string, failure: Failure, options: OutOptions): string | undefined {
  const address = addressOf(failure)
  switch (tag) {
    case 'ip':
      return address
    case 'fid':
      return failure.id
    case 'family':
      return familyOf(address)
    case 'ip-rev':
      return reverseOf(address)
    case 'ip-host':
      return options.reverseName(address) ?? 'None'
    case 'time':
      return ticketTime(failure, options)
    case 'failures':
    case 'bancount':
    case 'restored':
      return '0'
    case 'matches':
      return failure.lines.join('\n')
    case 'raw-ticket':
      return `BanTicket: ip=${failure.id} time=${ticketTime(failure, options)} bantime=None bancount=0 #attempts=0 matches=${reprField(failure.fields.get('matches') ?? null)}`
    case 'F-*':
      return reprFields(ticketData(failure))
    case 'br':
      return '\n'
    case 'sp':
      return ' '
  }
  const own = /^F-([A-Z0-9_-]+)$/.exec(tag)?.[1]
  if (own === undefined) return undefined
  const value = ticketData(failure).get(fieldOfTag(own))
  return value === undefined ? '' : printedField(value)
}

/** A ticket without a time is of now. */
const ticketTime = ({ time }: Failure, { nowMs }: OutOptions): string =>
  time === 'None' ? timeText(nowMs, false) : time

/** The data as a ticket keeps them: without those that are None. */
function ticketData({ fields }: Failure): Map<string, FieldValue> {
  const known = [...fields].filter(([name, value]) => value !== null && name !== 'matches')
  return new Map<string, FieldValue>([['matches', fields.get('matches') ?? []], ['failures', 0], ...known])
}

function familyOf(address: string): string {
  const ip = parseIp(address)
  return ip === undefined ? 'None' : ip.bytes.length === 4 ? 'inet4' : 'inet6'
}

/** The labels of its name in the reverse zone, a dot at the end. */
function reverseOf(address: string): string {
  const ip = parseIp(address)
  if (ip === undefined) return ''
  const bytes = [...ip.bytes].reverse()
  const labels =
    bytes.length === 4
      ? bytes.map(String)
      : bytes.flatMap((byte) => [(byte & 15).toString(16), (byte >> 4).toString(16)])
  return labels.map((label) => `${label}.`).join('')
}
