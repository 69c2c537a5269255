import { readFileSync } from 'node:fs'
import { claims, type Field, filledUp, oddTexts, type Server, takeApart, victims } from './hostile-texts.js'

/** What may stand before a claim, so that the server's own words before the field are over. */
const starts = ['root', 'x"', '] ', "' ", '\n', 'x: ', ') ']

export interface Sample {
  line: string
  /** Who must be found; undefined: nobody. */
  peer: string | undefined
}

/** A hostile line and the one it was made from. */
export interface Attack extends Sample {
  /** May be more than one line. */
  hostile: string
}

/** `config/samples`: see the README there. */
export function readSamples(file: string): Sample[] {
  let verdict: string | undefined
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      if (/^# (?:none$|failure )/.test(line)) verdict = /^# failure (.*)/.exec(line)?.[1]
      return line === '' || line.startsWith('#') ? [] : [{ line, peer: verdict }]
    })
}

/** The sample with this text in the field, as the server writes it; undefined: it has no such field. */
export function insert(sample: Sample, field: Field, text: string): Attack | undefined {
  const parts = takeApart(sample.line, field)
  return parts && { ...sample, hostile: parts.head + field.write(text) + parts.tail }
}

/** Claims, odd texts and `wholeLines` in the field, each as it is and behind what may end the server's words. */
export function simpleAttacks(sample: Sample, field: Field, wholeLines: readonly string[]): Attack[] {
  const parts = takeApart(sample.line, field)
  if (parts === undefined) return []
  const [victim] = victims
  const itself =
    sample.peer === undefined ? [] : [sample.line, parts.tail].map((text) => text.replaceAll(sample.peer ?? '', victim))
  const texts = [...wholeLines, ...itself, ...victims.flatMap(claims)]
  return [
    ...texts,
    ...texts.map((text, i) => (starts[i % starts.length] ?? '') + text),
    ...oddTexts,
    ...oddTexts.map((text) => `${text} from ${victim} port 22 ssh2`),
    `${'a'.repeat(10_000)} from ${victim}`,
    ` from ${victim}${' '.repeat(10_000)}`,
  ].flatMap((text) => insert(sample, field, text) ?? [])
}

/** Lines cut right behind a claim of the attacker's, or anywhere in what stands behind his text. */
export function cutAttacks(sample: Sample, field: Field, server: Server): Attack[] {
  return server.limits.flatMap(({ cut }) => {
    const limit = cut(sample.line)
    const parts = limit && takeApart(limit.line, field)
    if (limit === undefined || parts === undefined) return []
    const room = limit.end - parts.head.length
    // A line of thousands of characters takes its time, so fewer of them.
    const isLong = limit.end > 1000
    const filled = (isLong ? [victims[0]] : victims)
      .flatMap(claims)
      .flatMap((claim) => filledUp(claim, field, room) ?? [])
    // Into the address itself, behind each of its digits.
    const lengths = Array.from({ length: isLong ? 30 : 90 }, (_, i) => room - i)
    const anywhere = lengths.flatMap((length) => filledUp('', field, length) ?? [])
    return [...filled, ...anywhere].map((text) => ({
      ...sample,
      hostile: (parts.head + field.write(text) + parts.tail).slice(0, limit.end),
    }))
  })
}
