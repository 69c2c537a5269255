import { messageOf } from '../lib/error-message.js'

/** The store could not do what was asked; nothing of it has been done. The caller tries again later. */
export class StoreError extends Error {
  /** `SQLITE_FULL`, `SQLITE_BUSY`, … as sqlite.org/rescode.html names them; `NEWER_VERSION` for a file of a later Fail2ban, `NO_FILE` for a device or directory. */
  readonly code: string
  readonly file: string

  constructor(options: { code: string; file: string; message: string; cause?: unknown }) {
    super(options.message, { cause: options.cause })
    this.name = 'StoreError'
    this.code = options.code
    this.file = options.file
  }
}

/** `tried` continues "Cannot …": `store 3 bans in`. */
export function storeError(tried: string, file: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause
  const code = codeOf(cause)
  const hint = hints.get(code)
  const said = messageOf(cause)
  const message = `Cannot ${tried} ${file}: ${said} (${code})${hint === undefined ? '' : `; ${hint}`}`
  return new StoreError({ code, file, message, cause })
}

/** Primary result codes (sqlite.org/rescode.html). */
const names: ReadonlyMap<number, string> = new Map([
  [1, 'SQLITE_ERROR'],
  [3, 'SQLITE_PERM'],
  [5, 'SQLITE_BUSY'],
  [6, 'SQLITE_LOCKED'],
  [7, 'SQLITE_NOMEM'],
  [8, 'SQLITE_READONLY'],
  [10, 'SQLITE_IOERR'],
  [11, 'SQLITE_CORRUPT'],
  [13, 'SQLITE_FULL'],
  [14, 'SQLITE_CANTOPEN'],
  [15, 'SQLITE_PROTOCOL'],
  [19, 'SQLITE_CONSTRAINT'],
  [26, 'SQLITE_NOTADB'],
])

const hints: ReadonlyMap<string, string> = new Map([
  ['SQLITE_FULL', 'free some space on its file system'],
  ['SQLITE_BUSY', 'another program holds it; find it with "fuser", or wait'],
  ['SQLITE_LOCKED', 'another program holds it; find it with "fuser", or wait'],
  ['SQLITE_READONLY', 'the file, its directory or its file system is read-only'],
  ['SQLITE_CANTOPEN', 'check that its directory exists and that we may write there'],
  ['SQLITE_IOERR', 'look into the kernel log for errors of the disk'],
  ['SQLITE_CORRUPT', 'the file is damaged; it is set aside at the next start'],
])

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'SQLITE_ERROR'
  // Both SQLite bindings give the extended result code; its low byte is the primary one.
  if ('errcode' in error && typeof error.errcode === 'number')
    return names.get(error.errcode & 0xff) ?? `SQLITE_${error.errcode}`
  return 'code' in error && typeof error.code === 'string' ? error.code : 'SQLITE_ERROR'
}
