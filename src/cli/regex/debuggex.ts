import { expandTags } from '../../match/tags.js'

/** A page that shows how the pattern goes through the text. */
export function debuggexUrl(
  text: string,
  regex: string,
  options: { isMultiline: boolean; usedns: string | undefined },
): string {
  const query = new URLSearchParams({
    re: expandTags(regex, options.usedns === 'no' ? 'no' : 'yes'),
    str: text,
    flavor: 'python',
    ...(options.isMultiline && { flags: 'm' }),
  })
  // NOTE: Python leaves `~` and escapes `*`; URLSearchParams does it the other way round.
  return `https://www.debuggex.com/?${query.toString().replaceAll('%7E', '~').replaceAll('*', '%2A')}`
}
