import { expandTokens, nameOfPattern } from './tokens.js'

/** How a kind of date is searched for. */
export interface TemplateRegex {
  name: string
  written: string | undefined
  /** In Python's dialect; group 1 is what is cut out of the line. */
  source: string
  isLineBegin: boolean
  isLineEnd: boolean
  kind: 'fields' | 'epoch' | 'longEpoch' | 'tai64n'
  /** Number of the group that holds the value of an epoch or TAI64N date. */
  valueGroup: number
}

/** Whether a date must stand at a word's begin, at the line's (`{^LN-BEG}`), or anywhere. */
type Begin = 'word' | 'line' | 'anywhere'

/** The regex of a pattern with `%` tokens (spec section 3.11.2); undefined: a token is unknown. `year` is today's, for `%ExY`. */
export function patternRegex(written: string, year: number): TemplateRegex | undefined {
  const isUnbound = written.startsWith('{UNB}')
  const bare = isUnbound ? written.slice('{UNB}'.length) : written
  const isLineBegin = !isUnbound && bare.startsWith('{^LN-BEG}')
  const pattern = isLineBegin ? bare.slice('{^LN-BEG}'.length) : bare
  const expanded = expandTokens(pattern, year)
  if (expanded === undefined) return undefined
  // A name of a day or a month is read in any case.
  const source = /(?<!%)%[aAbBpc]/.test(pattern) ? `(?iu)${expanded}` : expanded
  const bound = withBounds(source, isUnbound ? 'anywhere' : isLineBegin ? 'line' : 'word', !isUnbound)
  return { ...bound, name: nameIn(nameOfPattern(pattern), bound.isPrefixed), written, kind: 'fields', valueGroup: 1 }
}

/** Digits of seconds, or of seconds, milliseconds and microseconds. */
const epoch = '\\d{10,11}\\b(?:\\.\\d{3,6})?'
const longEpoch = '\\d{10,11}(?:\\d{3}(?:\\.\\d{1,6}|\\d{3})?)?'

/**
 * The epoch template (spec section 3.11.4). There it is written with conditional groups that ask for a closing bracket; they bind nothing, for each
 * has a way around it, so they are left out here.
 */
export function epochRegex(isLong: boolean, isLineBegin: boolean): TemplateRegex {
  const digits = isLong ? longEpoch : epoch
  const name = isLong ? 'LongEpoch' : 'Epoch'
  const source = isLineBegin ? `(${digits})` : `((?:^|(?<=^\\[)|(?<=\\baudit\\())${digits})`
  const bound = withBounds(source, isLineBegin ? 'line' : 'anywhere', true)
  return {
    ...bound,
    name: nameIn(name, bound.isPrefixed),
    written: undefined,
    kind: isLong ? 'longEpoch' : 'epoch',
    valueGroup: 1,
  }
}

/** A pattern of one's own around `{EPOCH}` or `{LEPOCH}`. */
export function epochPatternRegex(written: string, isLong: boolean): TemplateRegex {
  const digits = isLong ? longEpoch : epoch
  const inner = written.replace(epochKeyword, () => `(${digits})`)
  const bound = withBounds(hasPlainGroup(written) ? inner : `(${inner})`, 'word', true)
  return {
    ...bound,
    name: nameIn(written, bound.isPrefixed),
    written: undefined,
    kind: isLong ? 'longEpoch' : 'epoch',
    valueGroup: 2,
  }
}

export const epochKeyword = /(?<!\\)\{L?EPOCH\}/gi

export function tai64nRegex(isLineBegin: boolean): TemplateRegex {
  const bound = withBounds('@[0-9a-f]{24}', isLineBegin ? 'line' : 'anywhere', true)
  return { ...bound, name: nameIn('TAI64N', bound.isPrefixed), written: undefined, kind: 'tai64n', valueGroup: 1 }
}

function nameIn(name: string, isPrefixed: boolean): string {
  return isPrefixed && !name.startsWith('{^LN-BEG}') ? `{^LN-BEG}${name}` : name
}

/** Puts boundaries around, and group 1 where there is none. */
function withBounds(given: string, begin: Begin, mayBindEnd: boolean) {
  const flags = /\(\?[a-z]+\)/.exec(given.trim())?.[0] ?? ''
  let source = flags === '' ? given.trim() : given.trim().replace(flags, '')
  const bindsBegin = begin !== 'anywhere' && !hasOwnBegin(source)
  const bindsEnd = mayBindEnd && !hasOwnEnd(source)
  if (!hasPlainGroup(source)) source = source.replace(/^((?:\(\?\w+\))?\^?(?:\(\?\w+\))?)(.*?)(\$?)$/s, '$1($2)$3')
  const isPrefixed = bindsBegin && begin === 'line'
  if (bindsBegin) source = (isPrefixed ? '^(?:\\W{0,2})?' : '(?=^|\\b|\\W)') + source
  if (bindsEnd) source += '(?=\\b|\\W|$)'
  const isLineBegin = isPrefixed || /^(?:\(\?\w+\))?(?:\^|\((?:\?:)?\^(?!\|))/.test(source)
  const isLineEnd = /(?<![\\|])\$\)?$/.test(source)
  return { source: flags + withoutStars(source), isLineBegin, isLineEnd, isPrefixed }
}

/** `^`, `(^`, `**` and the like: the pattern says itself where it begins. */
const hasOwnBegin = (source: string): boolean => /^\(*(?:\(\?\w+\))?(?:\^|\(*\*\*|\((?:\?:)?\^)/.test(source)

/** `$`, `\b`, `\s`, `**` at the end. */
const hasOwnEnd = (source: string): boolean => /(?<!\\)(?:\$\)?|\\b|\\s|\*\*\)*)$/.test(source)

/** `**` at an end only says that there is no boundary. */
function withoutStars(source: string): string {
  return source.replace(/^(\(*(?:\(\?\w+\))?\(*)\*\*/, '$1').replace(/(?<!\\)\*\*(\)*)$/, '$1')
}

/** Whether there is a group `(…)` that is neither escaped nor of the kind `(?…)`. */
const hasPlainGroup = (source: string): boolean => /(?<!\(\?)(?<!\\)\((?!\?)/.test(source)
