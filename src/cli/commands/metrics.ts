import { ask } from '../../api/client.js'
import { type CommonFlags, type Context, print } from '../context.js'
import { daemonSocket } from '../daemon-socket.js'

/** In Prometheus' text format; for its textfile collector, say. */
export async function metrics(this: Context, flags: Pick<CommonFlags, 'config'>): Promise<void> {
  print(this, (await ask<string>(daemonSocket(flags.config), '/v1/metrics')).trimEnd())
}
