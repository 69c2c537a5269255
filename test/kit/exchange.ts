import { connect } from 'node:net'
import path from 'node:path'
import { endMarker } from '../../src/compat/end-marker.js'
import { tempDir } from './temp-dir.js'

/** A place for a socket. */
export function socketPath(): string {
  return path.join(tempDir(), 'run', 'control.sock')
}

/** Sends pieces as they are, and gives everything that comes back until the other end closes or `until` is satisfied. */
export function exchange(socket: string, pieces: readonly Buffer[], until = hasMarker): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const received: Buffer[] = []
    const connection = connect(socket)
    connection.setNoDelay()
    for (const piece of pieces) connection.write(piece)
    connection.on('data', (piece) => {
      received.push(piece)
      if (until(Buffer.concat(received))) connection.destroy()
    })
    connection.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EPIPE' || error.code === 'ECONNRESET' ? undefined : reject(error),
    )
    connection.on('close', () => resolve(Buffer.concat(received)))
  })
}

function hasMarker(received: Buffer): boolean {
  return received.subarray(-endMarker.length).equals(endMarker)
}
