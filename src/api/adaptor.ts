import type { Server, ServerOptions } from 'node:http'
import { createServer as createTlsServer, type ServerOptions as TlsServerOptions } from 'node:https'
import { createAdaptorServer } from '@hono/node-server'

/** Answers a request; `incoming` is Node's own of it. */
export type Answer = (request: Request, env: unknown) => Response | Promise<Response>

/** A server of Node's that asks `answer`; with `tls` it speaks TLS. */
export function serverFor(answer: Answer, options: { http?: ServerOptions; tls?: TlsServerOptions } = {}): Server {
  const { http, tls } = options
  if (tls === undefined) return createAdaptorServer({ fetch: answer, ...(http && { serverOptions: http }) }) as Server
  return createAdaptorServer({
    fetch: answer,
    createServer: createTlsServer,
    serverOptions: { ...http, ...tls },
  }) as Server
}
