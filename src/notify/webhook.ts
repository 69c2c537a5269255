import http from 'node:http'
import https from 'node:https'
import type { Clock } from '../lib/clock.js'

export interface WebhookOptions {
  /** `http:` or `https:`. May hold a secret in its path, query or user part: only the host is ever told. */
  url: URL
  clock: Clock
  /** For the whole answer of one try. */
  timeoutMs?: number
  /** Waits between tries; one try more than there are waits. */
  waitsMs?: readonly number[]
}

/** An answer is of no interest beyond its status. */
const answerBytesMax = 64 * 1024

/**
 * Posts a JSON document, and tries again after what may pass: no connection, no answer in time, 408, 429 and 5xx. Redirections are not
 * followed. Rejects with a sentence when it gives up, or when the signal comes.
 */
export async function postJson(body: string, options: WebhookOptions, signal: AbortSignal): Promise<void> {
  const { url, clock, timeoutMs = 10_000, waitsMs = [1000, 5000, 30_000] } = options
  for (let tries = 1; ; tries++) {
    const outcome = await tryOnce(body, { url, clock, timeoutMs }, signal)
    if (outcome === undefined) return
    const waitMs = waitsMs[tries - 1]
    if (!outcome.mayPass || waitMs === undefined || signal.aborted) {
      const times = tries === 1 ? 'once' : `${tries} times`
      throw new Error(`Cannot post to the webhook at ${url.host}, tried ${times}: ${outcome.problem}`)
    }
    await pause(waitMs, clock, signal)
  }
}

interface Refusal {
  problem: string
  mayPass: boolean
}

function tryOnce(
  body: string,
  { url, clock, timeoutMs }: { url: URL; clock: Clock; timeoutMs: number },
  signal: AbortSignal,
): Promise<Refusal | undefined> {
  const bytes = Buffer.from(body)
  const headers = { 'content-type': 'application/json', 'content-length': bytes.length, 'user-agent': 'tocsin' }
  const { request } = url.protocol === 'https:' ? https : http
  const limit = new AbortController()
  const isLate = limit.signal
  const cancel = clock.after(timeoutMs, () => limit.abort())
  return new Promise<Refusal | undefined>((resolve) => {
    const failed = (error: Error) => {
      const late = isLate.aborted ? `no answer within ${timeoutMs / 1000} s` : error.message
      resolve({ problem: signal.aborted ? 'the daemon stops' : late, mayPass: true })
    }
    const options = { method: 'POST', headers, signal: AbortSignal.any([signal, isLate]) }
    const call = request(url, options, (answer) => {
      let bytesRead = 0
      answer.on('data', (piece: Buffer) => {
        bytesRead += piece.length
        if (bytesRead > answerBytesMax) answer.destroy()
      })
      answer.on('error', () => {})
      answer.on('close', () => resolve(refusalOf(answer.statusCode ?? 0)))
    })
    call.on('error', failed)
    call.end(bytes)
  }).finally(cancel)
}

function refusalOf(status: number): Refusal | undefined {
  if (status >= 200 && status < 300) return undefined
  const mayPass = status === 408 || status === 429 || status >= 500
  const hint =
    status >= 300 && status < 400 ? ', a redirection, which is not followed: write the address it leads to' : ''
  return { problem: `it answered ${status}${hint}`, mayPass }
}

function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.after(ms, done)
    signal.addEventListener('abort', done, { once: true })
  })
}
