// What the commands of tocsin take: the same word means the same everywhere.

export const config = {
  kind: 'parsed',
  parse: String,
  optional: true,
  placeholder: 'DIR',
  brief: 'Configuration directory (default /etc/tocsin, else /etc/fail2ban, else the shipped one)',
} as const
const json = { kind: 'boolean', optional: true, withNegated: false, brief: 'Print JSON' } as const
export const jail = {
  kind: 'parsed',
  parse: String,
  optional: true,
  placeholder: 'JAIL',
  brief: 'Only in this jail',
} as const
export const common = { config, json } as const
export const aliases = { c: 'config' } as const
export const yes = (brief: string) => ({ kind: 'boolean', optional: true, withNegated: false, brief }) as const
export const one = (placeholder: string, brief: string) => ({ parse: String, placeholder, brief }) as const
export const value = (placeholder: string, brief: string) =>
  ({ kind: 'parsed', parse: String, optional: true, placeholder, brief }) as const
export const maybe = (placeholder: string, brief: string) => ({ ...one(placeholder, brief), optional: true }) as const
