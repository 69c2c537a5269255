import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { metricsContentType } from './metrics.js'

export interface MetricsServer {
  /** The one that was asked for; where that was 0, what the kernel has given. */
  readonly port: number
  close(): Promise<void>
}

/** More are turned away: one scraper needs one. */
const connectionsMax = 20
const requestMs = 10_000
const headerBytesMax = 8 << 10

/** Serves the metrics, and nothing else, to whoever reaches this address. Throws where nobody can listen there. */
export function listenForMetrics(
  text: () => Promise<string>,
  { host, port }: { host: string; port: number },
): Promise<MetricsServer> {
  const server = createServer({ maxHeaderSize: headerBytesMax }, (request, response) => {
    answer(text, request, response).catch(() => response.destroy())
  })
  server.maxConnections = connectionsMax
  server.headersTimeout = requestMs
  server.requestTimeout = requestMs
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(new Error(`Cannot serve metrics on ${host} port ${port}: ${error.message}; see [api] metrics`)),
    )
    server.listen({ host, port }, () => {
      const address = server.address()
      const close = () =>
        new Promise<void>((closed) => {
          server.close(() => closed())
          server.closeAllConnections()
        })
      resolve({ port: typeof address === 'object' && address !== null ? address.port : port, close })
    })
  })
}

async function answer(
  text: () => Promise<string>,
  { method, url }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const isRead = method === 'GET' || method === 'HEAD'
  if (!isRead || (url !== '/metrics' && url !== '/')) {
    response.writeHead(isRead ? 404 : 405, { 'content-type': 'text/plain' })
    response.end('There is GET /metrics here\n')
    return
  }
  response.writeHead(200, { 'content-type': metricsContentType })
  response.end(method === 'HEAD' ? undefined : await text())
}
