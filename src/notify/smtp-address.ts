import type { SmtpServer } from './smtp.js'

/**
 * Reads `HOST`, `HOST:PORT`, `smtp://USER:PASSWORD@HOST:PORT` or `smtps://…`. With a user the connection is encrypted and the
 * certificate checked, but to this machine itself. Undefined for what is none; the text may hold a password and is not to be shown.
 */
export function parseSmtpAddress(text: string): SmtpServer | undefined {
  const full = /^smtps?:\/\//i.test(text) ? text : `smtp://${text}`
  // NOTE: of a scheme that it does not know, URL checks neither host nor port.
  const asWeb = full.replace(/^smtps?:/i, 'http:')
  if (!URL.canParse(asWeb)) return undefined
  const url = new URL(asWeb)
  const tls = /^smtps:/i.test(full)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (host === '' || !/^\/?$/.test(url.pathname) || url.search !== '' || url.hash !== '') return undefined
  const written = /:(\d+)\/?$/.exec(full)?.[1]
  const login = url.username === '' ? undefined : { user: decoded(url.username), password: decoded(url.password) }
  const isLocal = /^(?:localhost|127\..*|::1)$/.test(host)
  const isStrict = tls || (login !== undefined && !isLocal)
  return { host, port: Number(written ?? (tls ? 465 : login ? 587 : 25)), tls, isStrict, login }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // A percent sign that is itself.
  }
}
