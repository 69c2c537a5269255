import { isSpace, reprText, strip } from '../lib/python-text.js'

/** `name[option="…", …]` taken apart (spec 1.8). */
export interface OptionList {
  name: string
  options: Map<string, string>
}

/** An error text in Fail2ban's words instead of a list when the syntax is wrong. */
export function parseOptionList(text: string): OptionList | { wrong: string } {
  const open = text.indexOf('[')
  if (open < 0 && text !== '') return { name: text, options: new Map() }
  const close = strip(text).endsWith(']') ? text.lastIndexOf(']') : -1
  if (open < 1 || close < open) return { wrong: 'unexpected option syntax' }
  const options = new Map<string, string>()
  const wrong = readOptions(text.slice(open + 1, close), options)
  return wrong === undefined ? { name: text.slice(0, open), options } : { wrong }
}

/** An item of a list, and where it starts. */
export interface Item {
  text: string
  at: number
}

/**
 * The items of a list of actions: split at blanks outside of `[…]`; a blank may stand before the bracket. Brackets that
 * are not well-formed do not hold an item together, so that the error names its first word.
 */
export function splitWithOptions(text: string): Item[] {
  const items: Item[] = []
  for (let at = skipBlanks(text, 0); at < text.length; at = skipBlanks(text, at)) {
    const end = itemEnd(text, at)
    items.push({ text: text.slice(at, end), at })
    at = end
  }
  return items
}

/** Fills `into`; answers what is wrong, if anything. */
function readOptions(list: string, into: Map<string, string>): string | undefined {
  let at = 0
  while (at < list.length) {
    const rest = list.slice(at)
    if (strip(rest) === '' || (rest.startsWith(',') && strip(rest.slice(1)) === '')) return undefined
    const name = optionName(list, skipBlanks(list, at))
    if (name === undefined) return `expected option, wrong syntax at ${at}: ${rest.slice(0, 25)}`
    const value = optionValue(list, name.end)
    const separator = separatorEnd(list, value.end)
    if (separator === undefined) {
      const found = list.slice(value.end, value.end + 25)
      return `unexpected syntax at ${value.end} after option ${reprText(name.text)}: ${found}`
    }
    into.set(name.text, strip(value.text))
    at = separator
  }
  return undefined
}

/** `name=` or `name?family=inet6=`; `end` is behind the last `=`. */
function optionName(text: string, at: number): { text: string; end: number } | undefined {
  const match = nameAt(/([\p{L}\p{N}_.-]+(?:\?[\p{L}\p{N}_.-]+=[\p{L}\p{N}_.-]+)?)=/uy, text, at)
  return match === null ? undefined : { text: match[1] ?? '', end: at + match[0].length }
}

function nameAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}

/** A quoted text (nothing escapes its quote), or everything up to a comma or bracket. */
function optionValue(text: string, at: number): { text: string; end: number } {
  const quote = text.charAt(at)
  if (quote === '"' || quote === "'") {
    const close = text.indexOf(quote, at + 1)
    if (close >= 0) return { text: text.slice(at + 1, close), end: close + 1 }
  }
  return bareValue(text, at)
}

function bareValue(text: string, at: number): { text: string; end: number } {
  let end = at
  while (end < text.length && text.charAt(end) !== ',' && text.charAt(end) !== ']') end++
  return { text: text.slice(at, end), end }
}

/**
 * Behind the `,`, the `][` or the end of the list that must follow a value. NOTE: Python's `$` also stands before a line
 * end, so the closing bracket may be on a line of its own.
 */
function separatorEnd(text: string, at: number): number | undefined {
  if (at >= text.length || text.slice(at) === '\n') return text.length
  if (text.charAt(at) === ',') return at + 1
  return groupChange(text, at)
}

/** Behind `][`, blanks between them allowed. */
function groupChange(text: string, at: number): number | undefined {
  if (text.charAt(at) !== ']') return undefined
  const next = skipBlanks(text, at + 1)
  return text.charAt(next) === '[' ? next + 1 : undefined
}

function itemEnd(text: string, at: number): number {
  const word = wordEnd(text, at, true)
  const bracket = skipBlanks(text, word)
  const close = word > at && text.charAt(bracket) === '[' ? bracketEnd(text, bracket) : undefined
  return close ?? wordEnd(text, at, false)
}

/**
 * Behind the `]` that ends well-formed options, with a blank or nothing behind it; undefined when there is none. A quote may turn out
 * to be a letter of a bare value, and a bare value to hold the next option (a syntax error later, which then shows all of it): every way
 * is tried, the longest first, each place once.
 */
function bracketEnd(text: string, open: number): number | undefined {
  const tried = new Set<number>()
  const untried = [skipBlanks(text, open + 1)]
  for (let at = untried.pop(); at !== undefined; at = untried.pop()) {
    if (tried.has(at)) continue
    tried.add(at)
    const isEnd = at + 1 >= text.length || isSpace(text.charAt(at + 1))
    if (text.charAt(at) === ']' && isEnd) return at + 1
    untried.push(...placesBehind(text, at).reverse())
  }
  return undefined
}

/** Where to go on behind the option at `at`, the likeliest first. */
function placesBehind(text: string, at: number): number[] {
  const name = optionName(text, at)
  if (name === undefined) return []
  const quoted = optionValue(text, name.end).end
  const bare = bareValue(text, name.end).end
  const ends = (quoted === bare ? [bare] : [quoted, bare]).flatMap((end) => {
    const next = skipBlanks(text, end)
    const behindSeparator = text.charAt(next) === ',' ? next + 1 : groupChange(text, next)
    return behindSeparator === undefined ? [next] : [skipBlanks(text, behindSeparator), next]
  })
  const inside = [...text.slice(name.end, bare).matchAll(/[\p{L}\p{N}_.-]+=/gu)]
  return [...ends, ...inside.map(({ index }) => name.end + index).reverse()]
}

function wordEnd(text: string, at: number, beforeBracket: boolean): number {
  let end = at
  while (end < text.length && !isSpace(text.charAt(end)) && !(beforeBracket && text.charAt(end) === '[')) end++
  return end
}

function skipBlanks(text: string, at: number): number {
  let next = at
  while (next < text.length && isSpace(text.charAt(next))) next++
  return next
}
