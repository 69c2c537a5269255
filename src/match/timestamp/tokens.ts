/** A three-letter or one-letter zone name. */
const zoneName = '[A-Z](?:[A-Z]{2,4})?'
const offset = '[+-][01]\\d(?::?\\d{2})?'

/** The expressions of a date pattern's tokens (spec section 3.11.1); `%ExY` depends on the year and is made in tokenExpression. */
const expressions: Readonly<Record<string, string>> = {
  '%': '%',
  Y: '(?P<Y>\\d{4})',
  y: '(?P<y>\\d\\d)',
  Exy: '(?P<y>\\d{2})',
  m: '(?P<m>0?[1-9]|1[0-2])',
  Exm: '(?P<m>0[1-9]|1[0-2])',
  d: '(?P<d>[1-2]\\d|[0 ]?[1-9]|3[0-1])',
  Exd: '(?P<d>[1-2]\\d|0[1-9]|3[0-1])',
  H: '(?P<H>[0-1]?\\d|2[0-3])',
  ExH: '(?P<H>[0-1]\\d|2[0-3])',
  k: ' ?(?P<H>[0-2]?\\d)',
  Exk: ' ?(?P<H>[0-1]?\\d|2[0-3])',
  I: '(?P<I>1[0-2]|0[1-9]|[1-9])',
  l: ' ?(?P<I>1?\\d)',
  Exl: ' ?(?P<I>1[0-2]|\\d)',
  M: '(?P<M>[0-5]?\\d)',
  ExM: '(?P<M>[0-5]\\d)',
  S: '(?P<S>[0-5]?\\d|6[0-1])',
  ExS: '(?P<S>[0-5]\\d|6[0-1])',
  f: '(?P<f>[0-9]{1,6})',
  p: '(?P<p>am|pm)',
  a: '(?P<a>mon|tue|wed|thu|fri|sat|sun)',
  A: '(?P<A>wednesday|thursday|saturday|tuesday|monday|friday|sunday)',
  b: '(?P<b>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)',
  B: '(?P<B>september|february|november|december|january|october|august|march|april|june|july|may)',
  j: '(?P<j>36[0-6]|3[0-5]\\d|[1-2]\\d\\d|0[1-9]\\d|00[1-9]|[1-9]\\d|0[1-9]|[1-9])',
  w: '(?P<w>[0-6])',
  u: '(?P<u>[1-7])',
  U: '(?P<U>5[0-3]|[0-4]\\d|\\d)',
  W: '(?P<W>5[0-3]|[0-4]\\d|\\d)',
  V: '(?P<V>5[0-3]|0[1-9]|[1-4]\\d|\\d)',
  G: '(?P<G>\\d\\d\\d\\d)',
  z: `(?P<z>Z|UTC|GMT|${offset})`,
  Exz: `(?P<z>(?:${zoneName})?${offset}|${zoneName})`,
  Z: '(?P<Z>Z|[A-Z]{3,5})',
  ExZ: `(?P<Z>${zoneName})`,
}

/** Words that stand for the tokens in a template's name. */
const names: Readonly<Record<string, string>> = {
  '%': '%',
  a: 'DAY',
  A: 'DAYNAME',
  b: 'MON',
  B: 'MONTH',
  d: 'Day',
  H: '24hour',
  I: '12hour',
  j: 'Yearday',
  m: 'Month',
  M: 'Minute',
  p: 'AMPM',
  S: 'Second',
  U: 'Yearweek',
  w: 'Weekday',
  W: 'Yearweek',
  y: 'Year2',
  Y: 'Year',
  z: 'Zone offset',
  f: 'Microseconds',
  Z: 'Zone name',
}

const tokenScan = /%(Ex[A-Za-z]|.|$)/gs

/** Replaces the tokens by expressions; undefined: a token is unknown. `year` is today's, for `%ExY`. */
export function expandTokens(pattern: string, year: number): string | undefined {
  const full = expandComposites(pattern)
  let isKnown = true
  const text = full.replace(tokenScan, (_, token: string) => {
    const expression = token === 'ExY' ? centuryYear(year) : expressions[token]
    if (expression === undefined) isKnown = false
    return expression ?? ''
  })
  return isKnown ? text : undefined
}

/** The name that a pattern is shown under. */
export function nameOfPattern(pattern: string): string {
  return pattern.replace(tokenScan, (_, token: string) => {
    const plain = names[token]
    if (plain !== undefined) return plain
    const base = token.startsWith('Ex') ? names[token.slice(2)] : undefined
    return base === undefined ? `%${token}` : `Ex${base}`
  })
}

/** Locale forms, as in the C locale. */
function expandComposites(pattern: string): string {
  return pattern.replace(/%([%cxX])/g, (whole, token: string) => {
    if (token === 'c') return '%a\\s+%b\\s+%d\\s+%H:%M:%S\\s+%Y'
    if (token === 'x') return '%m/%d/%y'
    return token === 'X' ? '%H:%M:%S' : whole
  })
}

/** Years from 2000 to the decade of `year` + 3. */
function centuryYear(year: number): string {
  const last = Math.floor((year + 3) / 10) - 200
  if (last > 9 || last < 0) return '(?P<Y>2[01]\\d\\d)'
  return `(?P<Y>20[${[...'0123456789'].slice(0, last + 1).join('')}]\\d)`
}
