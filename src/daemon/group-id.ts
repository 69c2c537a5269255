import { readFileSync } from 'node:fs'

/** The number of a group of this machine, by its name or number (group(5)). Throws a sentence when there is no such group. */
export function groupId(name: string): number {
  if (/^\d+$/.test(name)) return Number(name)
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${name}:`))
  const id = line?.split(':')[2]
  if (id === undefined)
    throw new Error(`[api] group = ${name}: there is no such group in /etc/group; create it with groupadd`)
  return Number(id)
}
