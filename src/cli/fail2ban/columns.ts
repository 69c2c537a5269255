const indent = 4
const widthMax = 100

/** Names on the left, what they mean on the right, broken at blanks; a name that is too long has a line for itself. */
export function columns(entries: readonly (readonly [string, string])[], nameWidth: number): string[] {
  const start = indent + nameWidth
  return entries.flatMap(([name, meaning]) => {
    const [first = '', ...others] = broken(meaning, widthMax - start)
    const more = others.map((line) => ' '.repeat(start) + line)
    const isLong = name.length >= nameWidth
    const head = `${' '.repeat(indent)}${isLong ? name : name.padEnd(nameWidth)}`
    return isLong ? [head, ' '.repeat(start) + first, ...more] : [head + first, ...more]
  })
}

function broken(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}
