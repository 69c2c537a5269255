/** How a shell splits a line into words (POSIX quoting, no expansion); undefined when a quote or backslash is left open. */
export function shellWords(text: string): string[] | undefined {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const one = text.charAt(at)
    if (one === '\\' && quote !== "'") {
      if (at + 1 >= text.length) return undefined
      const next = text.charAt(++at)
      // Inside double quotes a backslash stands for itself, but before a quote or another backslash.
      word = (word ?? '') + (quote === '"' && next !== '"' && next !== '\\' ? `\\${next}` : next)
    } else if (quote !== '') {
      if (one === quote) quote = ''
      else word += one
    } else if (one === '"' || one === "'") {
      quote = one
      word ??= ''
    } else if (' \t\r\n'.includes(one)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + one
  }
  if (quote !== '') return undefined
  if (word !== undefined) words.push(word)
  return words
}
