/** A line with what is below it. */
export interface Branch {
  text: string
  below?: readonly Branch[]
}

/** As `fail2ban-client status` draws it: `|-` before a line, `` `- `` before the last one, three columns for each level. */
export function drawTree(branches: readonly Branch[], indent = ''): string[] {
  return branches.flatMap(({ text, below = [] }, at) => {
    const isLast = at === branches.length - 1
    return [`${indent}${isLast ? '`-' : '|-'} ${text}`, ...drawTree(below, `${indent}${isLast ? '   ' : '|  '}`)]
  })
}
