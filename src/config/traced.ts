import { nowhere, type Origin, type Sourced } from '../domain/origin.js'

/**
 * Text that remembers where each part of it was written, through interpolation and tags, so that an error in the third
 * regular expression of an included file can name that file and line.
 */
export interface Traced {
  readonly text: string
  /** Ordered by `from`; the first starts at 0. A part reaches to the next mark. */
  readonly marks: readonly Mark[]
}

export interface Mark {
  from: number
  origin: Origin
}

export function traced(text: string, origin: Origin): Traced {
  return { text, marks: [{ from: 0, origin }] }
}

/** The parts joined as they are. `origin` is that of an empty result. */
export function join(parts: readonly Traced[], origin: Origin): Traced {
  let text = ''
  const marks: Mark[] = []
  for (const part of parts) {
    if (part.text === '') continue
    for (const mark of part.marks) marks.push({ from: text.length + mark.from, origin: mark.origin })
    text += part.text
  }
  return marks.length === 0 ? traced(text, origin) : { text, marks }
}

export function slice(value: Traced, from: number, to = value.text.length): Traced {
  const marks: Mark[] = [{ from: 0, origin: originAt(value, from) }]
  for (let at = firstBehind(value.marks, from); at < value.marks.length; at++) {
    const mark = value.marks[at]
    if (mark === undefined || mark.from >= to) break
    marks.push({ from: mark.from - from, origin: mark.origin })
  }
  return { text: value.text.slice(from, to), marks }
}

/** Every `needle` (not empty) of `value` replaced. */
export function replaceEach(value: Traced, needle: string, replacement: Traced): Traced {
  const parts: Traced[] = []
  let from = 0
  for (let at = value.text.indexOf(needle); at >= 0; at = value.text.indexOf(needle, from)) {
    const end = at + needle.length
    parts.push(slice(value, from, at), insertion(value, at, end, replacement))
    from = end
  }
  parts.push(slice(value, from))
  return join(parts, originOf(value))
}

/**
 * `replacement` for what stands in `value` from `from` to `to`. A line keeps the place where it was written as a line: a
 * reference that is only a part of one takes the place of that line, one that stands for whole lines brings its own.
 */
export function insertion(value: Traced, from: number, to: number, replacement: Traced): Traced {
  const { text } = value
  const isWholeLine = (from === 0 || text[from - 1] === '\n') && (to === text.length || text[to] === '\n')
  const isPlaced = originOf(replacement).file !== ''
  if (isPlaced && (isWholeLine || replacement.text.includes('\n'))) return replacement
  return traced(replacement.text, originAt(value, from))
}

/** Of its first line that is not empty: a value may start below its name. */
export function originOf(value: Traced): Origin {
  return originAt(value, Math.max(0, value.text.search(/[^\n]/)))
}

export function originAt(value: Traced, offset: number): Origin {
  const { marks } = value
  return marks[Math.max(0, firstBehind(marks, offset) - 1)]?.origin ?? nowhere
}

/** Index of the first mark behind `offset`. By halving: a text of many tags has many marks, and is asked for each. */
function firstBehind(marks: readonly Mark[], offset: number): number {
  let [from, to] = [0, marks.length]
  while (from < to) {
    const middle = (from + to) >> 1
    if ((marks[middle]?.from ?? 0) > offset) to = middle
    else from = middle + 1
  }
  return from
}

/** The lines that are not empty, each with its own place. */
export function linesOf(value: Traced): Sourced[] {
  return piecesOf(value, /[^\n]+/g)
}

/** The words between blanks, commas and line ends. */
export function wordsOf(value: Traced): Sourced[] {
  return piecesOf(value, /[^ ,\n]+/g)
}

function piecesOf(value: Traced, piece: RegExp): Sourced[] {
  return [...value.text.matchAll(piece)].map((match) => ({ value: match[0], origin: originAt(value, match.index) }))
}
