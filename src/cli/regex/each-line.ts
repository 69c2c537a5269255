const carriageReturn = 0x0d
const hash = 0x23

/** Calls back for each line from `from` on that is neither empty nor a comment, with the ends of its text. */
export function eachLine(chunk: string, from: number, visit: (start: number, end: number) => void): void {
  for (let start = from; start < chunk.length; ) {
    const feed = chunk.indexOf('\n', start)
    const lineEnd = feed < 0 ? chunk.length : feed
    let end = lineEnd
    while (end > start && chunk.charCodeAt(end - 1) === carriageReturn) end--
    if (end > start && chunk.charCodeAt(start) !== hash) visit(start, end)
    start = lineEnd + 1
  }
}
