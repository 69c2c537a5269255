import { request } from 'node:http'

/** No daemon answers: the message is one sentence for the operator. */
class NoDaemon extends Error {}

/** The daemon answered with an error; the message is its sentence. */
class Refused extends Error {
  readonly status: number
  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}

const answerTimeoutMs = 120_000

/** Asks the daemon on the unix socket; `body` makes it a POST. Resolves to the JSON, or text, that it answers. */
export function ask<T>(socket: string, route: string, body?: unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    const sent = body === undefined ? undefined : JSON.stringify(body)
    const call = request({
      socketPath: socket,
      path: route,
      method: sent === undefined ? 'GET' : 'POST',
      timeout: answerTimeoutMs,
    })
    if (sent !== undefined) call.setHeader('content-type', 'application/json')
    call.on('timeout', () =>
      call.destroy(new NoDaemon(`The daemon on ${socket} has not answered ${route} for ${answerTimeoutMs / 1000} s`)),
    )
    call.on('error', (error: NodeJS.ErrnoException) => reject(explain(error, socket)))
    call.on('response', (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(parts).toString('utf8')
        const status = response.statusCode ?? 0
        const isJson = response.headers['content-type']?.startsWith('application/json') ?? false
        if (status === 200) resolve((isJson ? JSON.parse(text) : text) as T)
        else reject(new Refused(sentenceIn(text) ?? `The daemon answered ${status}`, status))
      })
    })
    call.end(sent)
  })
}

function explain(error: NodeJS.ErrnoException, socket: string): Error {
  if (error instanceof NoDaemon) return error
  switch (error.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return new NoDaemon(`No daemon is running here: nobody answers on ${socket}; start one with 'tocsin serve'`)
    case 'EACCES':
    case 'EPERM':
      return new NoDaemon(`You may not talk to the daemon on ${socket}: it listens to its owner only; try as root`)
    default:
      return new NoDaemon(`Cannot reach a daemon on ${socket}: ${error.message}`)
  }
}

function sentenceIn(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: unknown }
    return typeof error === 'string' ? error : undefined
  } catch {
    return undefined
  }
}
