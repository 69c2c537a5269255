import type { NodeName, Word } from './word.js'

/** One thing that somebody has told, and what became of it. */
export interface AuditEntry {
  /** When it came. */
  timeMs: number
  /** `held`: kept, without effect while its node is in quarantine. The last two are no words: they are what became of the node. */
  outcome: 'accepted' | 'held' | 'refused' | 'quarantined' | 'released'
  /** Who told it, or says so; or who is meant. */
  node: NodeName | undefined
  /** Whether a signature proves that. */
  isProven: boolean
  /** Code of a refusal. */
  reason?: string | undefined
  /** Sentence of a refusal. May hold hostile text. */
  detail?: string | undefined
  /** Where it was told. Hostile text. */
  subject: string
  /** Missing where nothing could be opened. */
  word?: Word | undefined
  /** What shows that two nodes have got the same message, or not: some hexadecimal digits of its SHA-256. */
  hash?: string | undefined
}

/** A line of the audit log, as read back. */
export interface AuditLine {
  timeMs: number
  outcome: AuditEntry['outcome']
  node?: string
  isProven: boolean
  reason?: string
  detail?: string
  subject?: string
  kind?: string
  ip?: string
  jail?: string
  untilMs?: number
  seq?: number
  hash?: string
  /** So many more like this one, which is the last of them, since `sinceMs`. */
  more?: number
  sinceMs?: number
}

export interface Summary {
  more: number
  sinceMs: number
  /** Not only of the node, outcome and reason of the last of them. */
  isMixed: boolean
}

const textCharsMax = 200

/** One line of JSON with its end. No text in it can end the line, control a terminal or turn what follows around. */
export function lineOf(entry: AuditEntry, summary?: Summary): string {
  const { timeMs, outcome, node, isProven, reason, detail, subject, word, hash } = entry
  const about = summary === undefined ? { detail: cut(detail), subject: cut(subject), ...wordParts(word), hash } : {}
  const by = summary?.isMixed ? { detail: 'of many' } : { node, isProven, reason }
  const more = summary === undefined ? {} : { more: summary.more, sinceMs: summary.sinceMs }
  return `${JSON.stringify({ timeMs, outcome, ...by, ...about, ...more }).replace(unseen, escaped)}\n`
}

/** Undefined for a line that was torn, or is none of ours. */
export function parseAuditLine(line: string): AuditLine | undefined {
  try {
    const parsed: unknown = JSON.parse(line)
    return isAuditLine(parsed) ? parsed : undefined
  } catch {
    return undefined // A line that a full disk has cut off.
  }
}

function wordParts(word: Word | undefined): Partial<AuditLine> {
  if (word === undefined) return {}
  const { kind, ip, jail, seq } = word
  const untilMs = 'untilMs' in word ? word.untilMs : undefined
  return { kind, ip, ...(jail === undefined ? {} : { jail }), ...(untilMs === undefined ? {} : { untilMs }), seq }
}

function cut(text: string | undefined): string | undefined {
  return text?.slice(0, textCharsMax)
}

/** What JSON leaves as it is: C1 controls, marks that turn text around, separators, characters that nobody sees. */
const unseen = /[\p{C}\p{Zl}\p{Zp}]/gu

function escaped(char: string): string {
  return Array.from({ length: char.length }, (_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`).join(
    '',
  )
}

const outcomes: ReadonlySet<unknown> = new Set<AuditEntry['outcome']>([
  'accepted',
  'held',
  'refused',
  'quarantined',
  'released',
])

/** The file is ours; only what a torn line may have lost is looked at. */
function isAuditLine(parsed: unknown): parsed is AuditLine {
  if (typeof parsed !== 'object' || parsed === null) return false
  return 'timeMs' in parsed && typeof parsed.timeMs === 'number' && 'outcome' in parsed && outcomes.has(parsed.outcome)
}
