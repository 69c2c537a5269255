import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { messageOf } from '../lib/error-message.js'
import { type AuditLine, parseAuditLine } from './audit-entry.js'

export interface AuditQuestion {
  /** Only what this node has told, or is said to have told. */
  node?: string
  /** Only what was refused or held, and who was put into quarantine. */
  refusedOnly?: boolean
  /** The newest so many. */
  countMax: number
}

/** Of each file this much is looked at, from its end. */
const bytesMax = 32 << 20

const good: ReadonlySet<AuditLine['outcome']> = new Set(['accepted', 'released'])

/** Lines of an audit log, oldest first. A file that is not there is empty; one that may not be read throws. */
export function readAudit(path: string, { node, refusedOnly = false, countMax }: AuditQuestion): AuditLine[] {
  const found: AuditLine[] = []
  for (const file of [path, `${path}.1`]) {
    const lines = readEnd(file).split('\n')
    while (found.length < countMax) {
      const text = lines.pop()
      if (text === undefined) break
      const line = parseAuditLine(text)
      if (line === undefined || (node !== undefined && line.node !== node)) continue
      if (!refusedOnly || !good.has(line.outcome)) found.push(line)
    }
  }
  return found.reverse()
}

function readEnd(path: string): string {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw new Error(`Cannot read the audit log ${path}: ${messageOf(error)}`, {
      cause: error,
    })
  }
  try {
    const { size } = fstatSync(fd)
    const bytes = Buffer.alloc(Math.min(size, bytesMax))
    const got = readSync(fd, bytes, 0, bytes.length, size - bytes.length)
    return bytes.toString('utf8', 0, got)
  } finally {
    closeSync(fd)
  }
}
