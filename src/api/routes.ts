import { type Context, Hono } from 'hono'
import { metricsContentType } from './metrics.js'
import type { Operations } from './operations.js'
import {
  auditBody,
  BadRequest,
  banBody,
  confirmBody,
  fleetDrillBody,
  fleetModeBody,
  fleetReleaseBody,
  fleetUnbanBody,
  readBody,
  resumeBody,
  stopBody,
  unbanBody,
} from './request-body.js'
import type { Rights } from './server.js'

interface Env {
  Bindings: { rights: Rights }
}

const onlyRoot = { error: 'Only root may do this; members of the group may look, ban and unban' }

/**
 * The HTTP face of `Operations`, version 1: JSON in, JSON out; errors are `{"error": "a sentence"}` with 400, 403, 404, 409, or 500.
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
  app.post('/v1/audit', async (c) => c.json(await operations.audit(await readBody(c.req.raw, auditBody))))
  app.post('/v1/confirm', async (c) => c.json(await operations.confirm(await readBody(c.req.raw, confirmBody))))
  app.post('/v1/resume', async (c) => c.json(await operations.resume(await readBody(c.req.raw, resumeBody))))
  app.post('/v1/bans', async (c) => {
    const wish = await readBody(c.req.raw, banBody)
    if (wish.force && c.env.rights !== 'all') return c.json(onlyRoot, 403)
    const outcome = await operations.ban(wish)
    return 'unknownJail' in outcome ? c.json(noJail(outcome.unknownJail), 404) : c.json(outcome)
  })
  app.post('/v1/unban', async (c) => {
    const outcome = await operations.unban(await readBody(c.req.raw, unbanBody))
    return 'unknownJail' in outcome ? c.json(noJail(outcome.unknownJail), 404) : c.json(outcome)
  })
  addFleetRoutes(app, operations)
  app.post('/v1/reload', async (c) => c.json(await operations.reload()))
  app.post('/v1/stop', async (c) => {
    return c.json(await operations.stop({ keep: (await readBody(c.req.raw, stopBody)).keep === true }))
  })
  app.notFound((c) => c.json({ error: `There is no ${c.req.method} ${c.req.path} here; see GET /v1/status` }, 404))
  app.onError((error, c) => c.json({ error: error.message }, error instanceof BadRequest ? 400 : 500))
  return app
}

function addFleetRoutes(app: Hono<Env>, operations: Operations): void {
  app.get('/v1/fleet', async (c) => {
    const view = await operations.fleet({ ask: c.req.query('ask') !== undefined })
    return view === undefined ? c.json(noFleet, 404) : c.json(view)
  })
  app.post('/v1/fleet/unban', async (c) =>
    told(c, await operations.fleetUnban(await readBody(c.req.raw, fleetUnbanBody))),
  )
  app.post('/v1/fleet/drill', async (c) =>
    told(c, await operations.fleetDrill(await readBody(c.req.raw, fleetDrillBody))),
  )
  app.post('/v1/fleet/mode', async (c) => told(c, await operations.fleetMode(await readBody(c.req.raw, fleetModeBody))))
  app.post('/v1/fleet/release', async (c) =>
    told(c, await operations.fleetRelease(await readBody(c.req.raw, fleetReleaseBody))),
  )
}

/** 409: what was asked for is well said, and cannot be done here now. */
function told<T extends object>(c: Context<Env>, outcome: T | { refused: string }): Response {
  return 'refused' in outcome ? c.json({ error: outcome.refused }, 409) : c.json(outcome)
}

const noFleet = {
  error: "This machine is in no fleet, or could not join it; its log says why, 'tocsin fleet init' makes one",
}

function noJail(jail: string): { error: string } {
  return { error: `There is no jail '${jail}' running; 'tocsin status' lists those that are` }
}
