import type { Origin, Problem, Sourced } from '../domain/origin.js'
import { Pattern } from './dialect/pattern.js'
import { PatternError } from './dialect/syntax.js'
import type { FilterSpec, UseDns } from './filter-spec.js'
import { expandTags } from './tags.js'
import { defaultTemplates, templatesOf } from './timestamp/datepattern.js'
import type { DateTemplate } from './timestamp/template.js'
import { zoneMinutes } from './timestamp/zones.js'

/** A filter ready to read lines. Keeps no state, so one serves all sources of a jail. */
export interface CompiledFilter {
  name: string
  fail: readonly CompiledPattern[]
  ignore: readonly CompiledPattern[]
  /** `successregex`: lines that forgive failures. */
  success: readonly CompiledPattern[]
  prefix: CompiledPattern | undefined
  templates: readonly DateTemplate[]
  /** Lines of the multi-line window. */
  maxlines: number
  usedns: UseDns
  /** Minutes east of Greenwich of dates without a zone; undefined: local time. */
  zoneDefault: number | undefined
}

export interface CompiledPattern {
  pattern: Pattern
  origin: Origin
  /** Position in its list, from 0. */
  index: number
}

/** Groups that say who it was, in the order in which Fail2ban asks them; one of them must be there, in the pattern itself or in the prefix. */
export const idGroups: readonly string[] = ['fid', 'ip4', 'ip6', 'dns']
/** A failure may also wait for another line of its session to say it. */
const idGroupsOfFailure = [...idGroups, 'mlfid']

/** Compiles a filter, or says everything that is wrong with it. `nowMs` tells which years a date may have (`%ExY`). */
export function compileFilter(
  spec: FilterSpec,
  options: { nowMs: number },
): { filter: CompiledFilter } | { problems: readonly Problem[] } {
  const problems: Problem[] = []
  const year = new Date(options.nowMs).getFullYear()
  const prefix = spec.prefregex && compile('prefregex', spec.prefregex, 0)
  const fail = compileAll('failregex', spec.failregex)
  const ignore = compileAll('ignoreregex', spec.ignoreregex)
  const success = compileAll('successregex', spec.successregex ?? [])
  for (const { pattern, origin } of fail) checkId('failregex', pattern, origin, idGroupsOfFailure)
  for (const { pattern, origin } of success) checkId('successregex', pattern, origin, idGroups)
  const templates = compileDates()
  const zone = spec.logtimezone === undefined ? undefined : zoneMinutes(spec.logtimezone)
  const zoneDefault = zone === 'unknown' ? undefined : zone
  if (spec.logtimezone !== undefined && zoneDefault === undefined) {
    problems.push({
      severity: 'error',
      message: `logtimezone: Unknown or unsupported time zone: '${spec.logtimezone}'`,
      hint: 'write it as UTC+0200 or +02:00',
    })
  }
  if (!(spec.maxlines > 0))
    problems.push({ severity: 'error', message: `maxlines: ${spec.maxlines} is not greater than zero` })
  if (problems.length > 0) return { problems }
  const { name, maxlines, usedns } = spec
  return { filter: { name, fail, ignore, success, prefix, templates, maxlines, usedns, zoneDefault } }

  function compile(option: string, { value, origin }: Sourced, index: number): CompiledPattern | undefined {
    const source = expandTags(value, spec.usedns)
    if (source.trim() === '') {
      problems.push({ severity: 'error', message: `${option}: Cannot add empty regex`, origin })
      return undefined
    }
    try {
      const pattern = new Pattern(source, { multiline: option === 'failregex' && spec.maxlines > 1 })
      return { pattern, origin, index }
    } catch (error) {
      if (!(error instanceof PatternError)) throw error
      problems.push({
        severity: 'error',
        message: `${option}: Unable to compile regular expression '${source}': ${error.message}`,
        origin,
      })
      return undefined
    }
  }

  function compileAll(option: string, list: readonly Sourced[]): CompiledPattern[] {
    return list.flatMap((regex, index) => compile(option, regex, index) ?? [])
  }

  function checkId(option: string, pattern: Pattern, origin: Origin, groups: readonly string[]): void {
    const has = (candidate: Pattern | undefined) => groups.some((group) => candidate?.slots.has(group))
    if (has(pattern) || has(prefix?.pattern)) return
    problems.push({
      severity: 'error',
      message: `${option}: No failure-id group in '${pattern.source}'`,
      origin,
      hint: `say with <HOST>, <ADDR>${option === 'failregex' ? ', <F-ID>…</F-ID> or <F-MLFID>…</F-MLFID>' : ' or <F-ID>…</F-ID>'} who it was`,
    })
  }

  function compileDates(): DateTemplate[] {
    if (spec.datepattern.length === 0) return [...defaultTemplates(year)]
    const templates: DateTemplate[] = []
    const known = new Set<string>()
    for (const { value, origin } of spec.datepattern) {
      try {
        for (const template of templatesOf(value, known, year)) {
          templates.push(template)
          known.add(template.name)
        }
      } catch (error) {
        if (!(error instanceof PatternError)) throw error
        problems.push({ severity: 'error', message: `datepattern: '${value}': ${error.message}`, origin })
      }
    }
    return templates
  }
}
