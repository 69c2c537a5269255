import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** The configuration directory: as given, else `/etc/tocsin`, else `/etc/fail2ban`, else the one that is shipped. */
export function configDir(given: string | undefined): string {
  if (given !== undefined) return path.resolve(given)
  return ['/etc/tocsin', '/etc/fail2ban'].find((dir) => existsSync(path.join(dir, 'jail.conf'))) ?? shippedDir()
}

/** `config/` of the checkout or package that this program runs from. */
function shippedDir(): string {
  let dir = path.dirname(fileURLToPath(import.meta.url))
  while (!existsSync(path.join(dir, 'config', 'jail.conf')) && dir !== path.dirname(dir)) dir = path.dirname(dir)
  return path.join(dir, 'config')
}
