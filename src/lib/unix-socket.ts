import { lstatSync, unlinkSync } from 'node:fs'
import { connect } from 'node:net'

/** Whether somebody accepts connections on this unix socket. */
export function isAnswered(place: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(place)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
}

/** Makes room for a socket where nobody answers: one that a crash has left goes, anything else is an error and stays. */
export function removeStale(place: string): void {
  const found = lstatSync(place, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket())
    throw new Error(`Cannot listen on ${place}: there is something that is not a socket; move it away`)
  unlinkSync(place)
}
