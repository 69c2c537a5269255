import { messageOf } from '../lib/error-message.js'
import { readPlainFile } from '../lib/plain-file.js'
import { serverFor } from './adaptor.js'

export interface RingerServer {
  /** The one that was asked for; where that was 0, what the kernel has given. */
  readonly port: number
  close(): Promise<void>
}

export interface RingerAddress {
  host: string
  port: number
  /** PEM files: TLS is spoken. A certificate's file may hold the key too. */
  certificate?: string | undefined
  key?: string | undefined
}

const pemBytesMax = 1 << 20
const connectionsMax = 200
const requestMs = 10_000
const headerBytesMax = 8 << 10

/** Throws a sentence where nobody can listen there, or the files are no certificate and key. */
export async function listenForRingers(
  answer: (request: Request) => Promise<Response>,
  { host, port, certificate, key }: RingerAddress,
): Promise<RingerServer> {
  try {
    const tls = certificate === undefined ? undefined : tlsOf(certificate, key ?? certificate)
    const server = serverFor(answer, { http: { maxHeaderSize: headerBytesMax }, ...(tls && { tls }) })
    server.maxConnections = connectionsMax
    server.headersTimeout = requestMs
    server.requestTimeout = requestMs
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen({ host, port }, resolve))
    const address = server.address()
    return {
      port: typeof address === 'object' && address !== null ? address.port : port,
      close: () =>
        new Promise((closed) => {
          server.close(() => closed())
          server.closeAllConnections()
        }),
    }
  } catch (error) {
    const what = messageOf(error)
    throw new Error(`Cannot listen for tokens on ${host} port ${port}: ${what}; see [api] listen, certificate and key`)
  }
}

function tlsOf(certificate: string, key: string) {
  return { cert: pem(certificate), key: pem(key), minVersion: 'TLSv1.2' as const }
}

function pem(path: string): Buffer {
  return readPlainFile(path, { bytesMax: pemBytesMax })
}
