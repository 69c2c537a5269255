import { lineEndAt, withoutReturns } from '../../match/log-text.js'

const hash = 0x23

/** Calls back for each line from `from` on that is neither empty nor a comment, with the ends of its text. */
export function eachLine(chunk: string, from: number, visit: (start: number, end: number) => void): void {
  for (let start = from; start < chunk.length; ) {
    const lineEnd = lineEndAt(chunk, start)
    const end = withoutReturns(chunk, start, lineEnd)
    if (end > start && chunk.charCodeAt(start) !== hash) visit(start, end)
    start = lineEnd + 1
  }
}
