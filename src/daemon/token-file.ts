import path from 'node:path'

/** Who may ask for bans over HTTP. It stands with the configuration, so that it can be put on many machines like the rest of it. */
export function tokensFile(configDir: string): string {
  return path.join(configDir, 'tokens.json')
}
