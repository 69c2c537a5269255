import { cursorField } from './journal-export.js'

/** One entry of the journal, as a jail sees it. */
export interface JournalEntry {
  /** As syslog writes it, without date and line end: `web sshd[123]: Failed password …`. */
  text: string
  /** When it was written. */
  timeMs: number
  /** Whether it is being written now, rather than read again from an earlier time. */
  live: boolean
}

/** What the text and the times are made of; journalctl is asked for no more. */
export const entryFields = [
  '_HOSTNAME',
  'SYSLOG_IDENTIFIER',
  '_COMM',
  'SYSLOG_PID',
  '_PID',
  'MESSAGE',
  '_SOURCE_REALTIME_TIMESTAMP',
  '_SOURCE_MONOTONIC_TIMESTAMP',
] as const
/** journalctl prints these without being asked. */
const addressFields = [cursorField, '__REALTIME_TIMESTAMP', '__MONOTONIC_TIMESTAMP'] as const

type Field = (typeof entryFields)[number] | (typeof addressFields)[number]
export type Fields = ReadonlyMap<string, string>

export const wantedFields: ReadonlySet<string> = new Set<Field>([...entryFields, ...addressFields])

/**
 * The entry as a line (spec section 10.5): host, program with its process, message, what is missing left out. Line feeds become `\n` in
 * two characters, so that one entry stays one line.
 */
export function lineOf(fields: Fields): string {
  const host = textOf(fields, '_HOSTNAME')
  const program = textOf(fields, 'SYSLOG_IDENTIFIER') ?? textOf(fields, '_COMM')
  const process = textOf(fields, 'SYSLOG_PID') ?? textOf(fields, '_PID')
  const tag = program && `${program}${process === undefined ? '' : `[${process}]`}:`
  const uptime = tag === 'kernel:' ? kernelStamp(fields) : undefined
  const message = fields.get('MESSAGE') ?? ''
  const line = [host, tag, uptime, message].filter((part) => part !== undefined).join(' ')
  return line.includes('\n') ? line.replaceAll('\n', '\\n') : line
}

/** When the entry was written, epoch microseconds: as its sender says, else when it came to the journal. */
export function writtenUs(fields: Fields): number | undefined {
  return microseconds(fields, '_SOURCE_REALTIME_TIMESTAMP') ?? receivedUs(fields)
}

/** When the entry came to the journal, epoch microseconds: the order in which journalctl looks for a time. */
export function receivedUs(fields: Fields): number | undefined {
  return microseconds(fields, '__REALTIME_TIMESTAMP')
}

/** `[   12.345678]`, seconds since the boot, as in the kernel's own log. */
function kernelStamp(fields: Fields): string {
  const us = microseconds(fields, '_SOURCE_MONOTONIC_TIMESTAMP') ?? microseconds(fields, '__MONOTONIC_TIMESTAMP') ?? 0
  return `[${(us / 1e6).toFixed(6).padStart(12)}]`
}

function textOf(fields: Fields, name: Field): string | undefined {
  return fields.get(name) || undefined
}

function microseconds(fields: Fields, name: Field): number | undefined {
  const text = fields.get(name)
  return text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : undefined
}
