import type { Problem } from '../domain/origin.js'

/** One problem on one line: `ERROR /etc/fail2ban/jail.local:12: [sshd] …; did you mean …?` */
export function problemText(problem: Problem): string {
  const { severity, origin, jail, message, hint } = problem
  const place = origin === undefined ? '' : `${origin.file}${origin.line > 0 ? `:${origin.line}` : ''}: `
  return `${severity.toUpperCase()} ${place}${jail === undefined ? '' : `[${jail}] `}${message}${hint === undefined ? '' : `; ${hint}`}`
}
