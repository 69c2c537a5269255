/** A value with one of these is handed to the shell as a variable, never as text (spec 6.3). */
const special = /[\\#&;`|*?~<>^()[\]{}$'"\n\r]/

const tag = /<([^ <>]+)>/g

/**
 * Puts values into a shell text in place of their `<tags>`, as Fail2ban does (spec 6.3): a harmless value is inserted as it is, one
 * that the shell could understand becomes a variable whose value is a positional argument, so no text of an attacker is ever code. NUL
 * cannot be in an argument and is left out. Unknown tags stay. Returns the argument list for execve(2).
 */
export function shellArgv(text: string, values: (tag: string) => string | undefined): string[] {
  const variables = new Map<string, string>()
  const script = text.replace(tag, (whole, name: string) => {
    const value = values(name)?.replaceAll('\0', '')
    if (value === undefined) return whole
    if (!special.test(value)) return value
    const variable = `f2bV_${name.replace(/\W/g, '_')}`
    variables.set(variable, value)
    return `$${variable}`
  })
  if (variables.size === 0) return ['/bin/sh', '-c', script]
  // NOTE: $0 is the first argument behind the script; from $10 on braces are needed.
  const bindings = [...variables.keys()].map((variable, i) => `${variable}=\${${i}}`).join(' ')
  return ['/bin/sh', '-c', `${bindings} \n${script}`, ...variables.values()]
}
