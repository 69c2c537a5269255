/** What a program takes, in the notation of getopt(3): `hc:` is `-h` and `-c VALUE`, `conf=` is `--conf VALUE`. */
export interface Accepted {
  short: string
  long: readonly string[]
}

export interface Given {
  /** As written in full: `-c`, `--conf`; a value is empty where none is taken. In the order of the command line. */
  options: readonly { name: string; value: string }[]
  /** From the first word on that is no option: options behind the command belong to the command. */
  rest: readonly string[]
}

/** Splits a command line as Fail2ban's programs do (spec 7.5); a sentence when it cannot. */
export function getopt(argv: readonly string[], accepted: Accepted): Given | string {
  const options: { name: string; value: string }[] = []
  const words = [...argv]
  for (let word = words[0]; word?.startsWith('-') && word !== '-'; word = words[0]) {
    words.shift()
    if (word === '--') break
    const wrong = word.startsWith('--')
      ? takeLong(word.slice(2), words, accepted.long, options)
      : takeShort(word.slice(1), words, accepted.short, options)
    if (wrong !== undefined) return wrong
  }
  return { options, rest: words }
}

function takeLong(
  word: string,
  words: string[],
  known: readonly string[],
  options: { name: string; value: string }[],
): string | undefined {
  const equals = word.indexOf('=')
  const name = equals < 0 ? word : word.slice(0, equals)
  const candidates = known.filter((one) => one.startsWith(name))
  const found = candidates.find((one) => one === name || one === `${name}=`) ?? candidates[0]
  if (found === undefined) return `option --${name} not recognized`
  const isExact = found === name || found === `${name}=`
  if (!isExact && candidates.length > 1) return `option --${name} not a unique prefix`
  const full = `--${found.replace('=', '')}`
  if (!found.endsWith('=')) {
    if (equals >= 0) return `option ${full} must not have an argument`
    options.push({ name: full, value: '' })
    return undefined
  }
  const value = equals < 0 ? words.shift() : word.slice(equals + 1)
  if (value === undefined) return `option ${full} requires argument`
  options.push({ name: full, value })
  return undefined
}

/** `-xvc DIR`, `-cDIR`: letters in one word, the value of the last in it or behind it. */
function takeShort(
  letters: string,
  words: string[],
  known: string,
  options: { name: string; value: string }[],
): string | undefined {
  for (let at = 0; at < letters.length; at++) {
    const letter = letters.charAt(at)
    const place = letter === ':' ? -1 : known.indexOf(letter)
    if (place < 0) return `option -${letter} not recognized`
    if (known.charAt(place + 1) !== ':') {
      options.push({ name: `-${letter}`, value: '' })
      continue
    }
    const value = at + 1 < letters.length ? letters.slice(at + 1) : words.shift()
    if (value === undefined) return `option -${letter} requires argument`
    options.push({ name: `-${letter}`, value })
    return undefined
  }
  return undefined
}
