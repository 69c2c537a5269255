import { once } from 'node:events'
import http from 'node:http'

/** For tests: a web server that keeps what it gets. */
export class WebSink {
  /** The bodies of the requests. */
  readonly bodies: string[] = []
  /** With secrets in every place that an address has for them. */
  readonly url: string
  readonly #server: http.Server
  readonly #asked: (() => void)[] = []

  private constructor(server: http.Server, port: number) {
    this.#server = server
    this.url = `http://user:s3cret@127.0.0.1:${port}/hook/s3cret?key=s3cret`
  }

  /** It answers with these, one after another, and the last for ever; undefined: never. */
  static async listen(...answers: (number | undefined)[]): Promise<WebSink> {
    const server = http.createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const sink = new WebSink(server, typeof address === 'object' && address !== null ? address.port : 0)
    server.on('request', async (request: http.IncomingMessage, answer: http.ServerResponse) => {
      sink.bodies.push(await bodyOf(request))
      const status = answers.length > 1 ? answers.shift() : answers[0]
      if (status !== undefined) answer.writeHead(status, { location: '/elsewhere' }).end('x'.repeat(100_000))
      sink.#asked.shift()?.()
    })
    return sink
  }

  /** Resolves at the next request. */
  nextRequest(): Promise<void> {
    return new Promise((resolve) => this.#asked.push(resolve))
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

async function bodyOf(request: http.IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}
