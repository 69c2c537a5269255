/** `<name>` in a text of Fail2ban's configuration. */
export interface Tag {
  name: string
  start: number
  end: number
}

/** For `replace`. Neither blanks nor angles inside, so of `<a-<b>>` it finds the inner one. */
export const tagPattern = /<([^ <>]+)>/g

/** The first tag at `from` or behind it. */
export function tagAt(text: string, from: number): Tag | undefined {
  const pattern = new RegExp(tagPattern)
  pattern.lastIndex = from
  const match = pattern.exec(text)
  return match === null ? undefined : { name: match[1] ?? '', start: match.index, end: match.index + match[0].length }
}
