import { Hono } from 'hono'
import * as v from 'valibot'
import { metricsContentType } from './metrics.js'
import type { Operations } from './operations.js'
import type { Rights } from './server.js'

const bodyBytesMax = 1 << 20

const ipTexts = v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(100))), v.maxLength(10_000))
const jailName = v.optional(v.pipe(v.string(), v.maxLength(200)))
const banBody = v.strictObject({
  ips: ipTexts,
  jail: jailName,
  durationMs: v.optional(v.pipe(v.number(), v.finite(), v.minValue(1))),
  permanent: v.optional(v.boolean()),
  force: v.optional(v.boolean()),
  confirmMs: v.optional(v.pipe(v.number(), v.minValue(1000), v.maxValue(86_400_000))),
})
const confirmBody = v.strictObject({ ids: ipTexts })
const resumeBody = v.strictObject({
  jail: v.pipe(v.string(), v.maxLength(200)),
  forMs: v.optional(v.pipe(v.number(), v.minValue(1000), v.maxValue(30 * 86_400_000))),
})
const unbanBody = v.strictObject({ ips: ipTexts, all: v.optional(v.boolean()), jail: jailName })
const auditBody = v.strictObject({ repair: v.optional(v.boolean()) })
const fleetUnbanBody = v.strictObject({ ip: v.pipe(v.string(), v.minLength(1), v.maxLength(100)) })
const stopBody = v.strictObject({ keep: v.optional(v.boolean()) })

/** A request that cannot be understood. The message is a sentence for its sender. */
class BadRequest extends Error {}

interface Env {
  Bindings: { rights: Rights }
}

const onlyRoot = { error: 'Only root may do this; members of the group may look, ban and unban' }

/**
 * The HTTP face of `Operations`, version 1: JSON in, JSON out; errors are `{"error": "a sentence"}` with 400, 404, or 500.
 * Nothing is answered before `ready`.
 */
export function routes(operations: Operations, ready: Promise<void> = Promise.resolve()): Hono<Env> {
  const app = new Hono<Env>()
  app.use(async (_c, next) => {
    await ready
    await next()
  })
  app.use(async (c, next) => {
    const isFree = c.req.method === 'GET' || ['/v1/bans', '/v1/unban', '/v1/confirm'].includes(c.req.path)
    if (!isFree && c.env.rights !== 'all') return c.json(onlyRoot, 403)
    await next()
  })
  app.get('/v1/version', (c) => c.json(operations.version()))
  app.get('/v1/status', async (c) => c.json(await operations.status()))
  app.get('/v1/jails/:jail', async (c) => {
    const status = await operations.jailStatus(c.req.param('jail'))
    return status === undefined ? c.json(noJail(c.req.param('jail')), 404) : c.json(status)
  })
  app.get('/v1/bans', async (c) =>
    c.json(await operations.banned({ ip: c.req.query('ip'), jail: c.req.query('jail') })),
  )
  app.get('/v1/why/:ip', async (c) => c.json(await operations.why(c.req.param('ip'))))
  app.get('/v1/protected', async (c) => c.json(await operations.protected()))
  app.get('/v1/metrics', async (c) => c.body(await operations.metrics(), 200, { 'content-type': metricsContentType }))
  app.post('/v1/audit', async (c) => c.json(await operations.audit(await read(c.req.raw, auditBody))))
  app.post('/v1/confirm', async (c) => c.json(await operations.confirm(await read(c.req.raw, confirmBody))))
  app.post('/v1/resume', async (c) => c.json(await operations.resume(await read(c.req.raw, resumeBody))))
  app.post('/v1/bans', async (c) => {
    const wish = await read(c.req.raw, banBody)
    if (wish.force && c.env.rights !== 'all') return c.json(onlyRoot, 403)
    const outcome = await operations.ban(wish)
    return 'unknownJail' in outcome ? c.json(noJail(outcome.unknownJail), 404) : c.json(outcome)
  })
  app.post('/v1/unban', async (c) => {
    const outcome = await operations.unban(await read(c.req.raw, unbanBody))
    return 'unknownJail' in outcome ? c.json(noJail(outcome.unknownJail), 404) : c.json(outcome)
  })
  app.get('/v1/fleet', async (c) => {
    const view = await operations.fleet()
    return view === undefined ? c.json(noFleet, 404) : c.json(view)
  })
  app.post('/v1/fleet/unban', async (c) => {
    const outcome = await operations.fleetUnban(await read(c.req.raw, fleetUnbanBody))
    return 'refused' in outcome ? c.json({ error: outcome.refused }, 409) : c.json(outcome)
  })
  app.post('/v1/reload', async (c) => c.json(await operations.reload()))
  app.post('/v1/stop', async (c) => {
    return c.json(await operations.stop({ keep: (await read(c.req.raw, stopBody)).keep === true }))
  })
  app.notFound((c) => c.json({ error: `There is no ${c.req.method} ${c.req.path} here; see GET /v1/status` }, 404))
  app.onError((error, c) => c.json({ error: error.message }, error instanceof BadRequest ? 400 : 500))
  return app
}

const noFleet = {
  error: "This machine is in no fleet, or could not join it; its log says why, 'tocsin fleet init' makes one",
}

function noJail(jail: string): { error: string } {
  return { error: `There is no jail '${jail}' running; 'tocsin status' lists those that are` }
}

async function read<S extends v.GenericSchema>(request: Request, schema: S): Promise<v.InferOutput<S>> {
  const declared = Number(request.headers.get('content-length') ?? 0)
  if (declared > bodyBytesMax) throw new BadRequest(`The request's body is larger than ${bodyBytesMax} bytes`)
  const text = await readBounded(request)
  const result = v.safeParse(schema, parseJson(text))
  if (result.success) return result.output
  const issue = result.issues[0]
  const where = issue.path?.map((step) => String(step.key)).join('.') ?? 'the body'
  throw new BadRequest(`Cannot take the request: ${where}: ${issue.message}`)
}

async function readBounded(request: Request): Promise<string> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of request.body ?? []) {
    size += part.length
    if (size > bodyBytesMax) throw new BadRequest(`The request's body is larger than ${bodyBytesMax} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function parseJson(text: string): unknown {
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text)
  } catch {
    throw new BadRequest('The request has a body that is no JSON')
  }
}
