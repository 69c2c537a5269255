import * as v from 'valibot'

const bodyBytesMax = 1 << 20

/** Addresses as somebody writes them. */
const ipTexts = v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(100))), v.maxLength(10_000))

const jailName = v.optional(v.pipe(v.string(), v.maxLength(200)))
export const banBody = v.strictObject({
  ips: ipTexts,
  jail: jailName,
  durationMs: v.optional(v.pipe(v.number(), v.finite(), v.minValue(1))),
  permanent: v.optional(v.boolean()),
  force: v.optional(v.boolean()),
  confirmMs: v.optional(v.pipe(v.number(), v.minValue(1000), v.maxValue(86_400_000))),
  fleet: v.optional(v.boolean()),
})
export const confirmBody = v.strictObject({ ids: ipTexts })
export const resumeBody = v.strictObject({
  jail: v.pipe(v.string(), v.maxLength(200)),
  forMs: v.optional(v.pipe(v.number(), v.minValue(1000), v.maxValue(30 * 86_400_000))),
})
export const unbanBody = v.strictObject({ ips: ipTexts, all: v.optional(v.boolean()), jail: jailName })
export const auditBody = v.strictObject({ repair: v.optional(v.boolean()) })
export const fleetUnbanBody = v.strictObject({ ip: v.pipe(v.string(), v.minLength(1), v.maxLength(100)) })
export const fleetReleaseBody = v.strictObject({ name: v.pipe(v.string(), v.minLength(1), v.maxLength(100)) })
export const fleetModeBody = v.strictObject({
  mode: v.picklist(['off', 'simulate', 'enforce']),
  here: v.optional(v.boolean()),
})
export const fleetDrillBody = v.strictObject({
  forMs: v.pipe(v.number(), v.integer(), v.minValue(1000), v.maxValue(60_000)),
})
export const stopBody = v.strictObject({ keep: v.optional(v.boolean()) })

/** Of somebody with a token, who has no more to say. */
export const ringBody = v.strictObject({
  ips: ipTexts,
  durationMs: v.optional(v.pipe(v.number(), v.finite(), v.minValue(1))),
})

/** A request that cannot be understood. The message is a sentence for its sender. */
export class BadRequest extends Error {}

/** Throws `BadRequest` for what is too large, no JSON, or not of this kind. */
export async function readBody<S extends v.GenericSchema>(request: Request, schema: S): Promise<v.InferOutput<S>> {
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
