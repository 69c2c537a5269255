/** The brokers of a fleet as they are written down: one URL, or several of one cluster, by commas or spaces. */
export function brokerUrls(text: string): string[] {
  return text.split(/[\s,]+/).filter((one) => one !== '')
}

/** Their hosts, each once; what cannot be read has none. */
export function hostsOf(text: string): string[] {
  return [...new Set(brokerUrls(text).flatMap((url) => placeOfUrl(url)?.host ?? []))]
}

/** Undefined: it is no `tls://HOST:PORT`. */
export function placeOfUrl(url: string): { host: string; port: number } | undefined {
  if (!URL.canParse(url)) return undefined
  const { hostname, port } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  return host === '' ? undefined : { host, port: Number(port) }
}

/** As it stands in a URL and in a server's configuration. */
export function textOfPlace({ host, port }: { host: string; port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
