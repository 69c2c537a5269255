import { PatternError } from '../dialect/syntax.js'
import { defaultPatterns } from './default-patterns.js'
import { DateTemplate } from './template.js'
import {
  epochKeyword,
  epochPatternRegex,
  epochRegex,
  patternRegex,
  type TemplateRegex,
  tai64nRegex,
} from './template-regex.js'

/** What one line of `datepattern` stands for. Templates already named in an earlier line are `known`. Throws PatternError. */
export function templatesOf(written: string, known: ReadonlySet<string>, year: number): DateTemplate[] {
  const key = keyOf(written)
  const fresh = (templates: DateTemplate[]) =>
    templates.filter((template) => known.size === 0 || !known.has(template.name))
  if (key === '{DEFAULT}') return fresh(defaultTemplates(year))
  if (key === '{^LN-BEG}') return fresh(defaultTemplates(year).filter((template) => template.isLineBegin))
  if (key.includes('{DATE}')) return fresh(surrounded(written, year))
  const template = compiled(key === '{NONE}' ? templateOf('{UNB}^', key, year) : templateOf(written, key, year))
  if (known.has(template.name)) throw new PatternError(`There is already a template with name ${template.name}`)
  return [template]
}

const defaultsByYear = new Map<number, DateTemplate[]>()

/** The 31 default templates: first those that stand at the begin of a line, then all. Shared, for they keep no state but compiled patterns. */
export function defaultTemplates(year: number): DateTemplate[] {
  const made = defaultsByYear.get(year)
  if (made !== undefined) return made
  const plain = defaultPatterns.map((pattern) => templateOf(pattern, keyOf(pattern), year))
  const anchored = defaultPatterns
    .filter((pattern) => !/^(?:\^|\{\^LN-BEG\})/.test(pattern))
    .map((pattern) => templateOf(`{^LN-BEG}${pattern}`, keyOf(`{^LN-BEG}${pattern}`), year, 100))
  const all = [...anchored, ...plain]
  defaultsByYear.set(year, all)
  return all
}

/** The same template, now that its pattern is known to be right. Throws PatternError. */
function compiled(template: DateTemplate): DateTemplate {
  void template.pattern
  return template
}

/** One template for each default pattern, put in place of `{DATE}`. */
function surrounded(written: string, year: number): DateTemplate[] {
  const around = (pattern: string) =>
    written.replace(/(?<!\\)\{DATE\}/gi, () => pattern.replace(/^\{UNB\}|^\{\^LN-BEG\}/, ''))
  return defaultPatterns.map((pattern) => {
    // NOTE: the two without tokens go in by name, and mean themselves only in `^{DATE}`; elsewhere they are the literal words.
    const whole = around(pattern === 'EPOCH' ? 'Epoch' : pattern)
    return compiled(templateOf(whole, keyOf(whole), year))
  })
}

/** Keywords are written in any case. */
const keyOf = (written: string): string => (written.includes('%') ? written : written.toUpperCase())

function templateOf(written: string, key: string, year: number, weight = 1): DateTemplate {
  const regex = keywordRegex(written, key) ?? patternRegex(written, year)
  if (regex === undefined) {
    throw new PatternError(
      `Failed to set datepattern '${written}' (may be an invalid format or unescaped percent char)`,
    )
  }
  return new DateTemplate(regex, weight)
}

function keywordRegex(written: string, key: string): TemplateRegex | undefined {
  const word = /^(\{\^LN-BEG\}|\^)?(EPOCH|LEPOCH|TAI64N)$/.exec(key)
  if (word !== null) {
    const isLineBegin = word[1] !== undefined
    return word[2] === 'TAI64N' ? tai64nRegex(isLineBegin) : epochRegex(word[2] === 'LEPOCH', isLineBegin)
  }
  // NOTE: the short and the long form are told apart by the whole pattern, as Fail2ban does.
  return written.search(epochKeyword) >= 0 && key.includes('EPOCH')
    ? epochPatternRegex(written, key.includes('LEPOCH'))
    : undefined
}
