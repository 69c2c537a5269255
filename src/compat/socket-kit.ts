import { mkdtempSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { endMarker } from './end-marker.js'

/** For tests: a place for a socket. */
export function socketPath(): string {
  return path.join(mkdtempSync(path.join(tmpdir(), 'tocsin-control-')), 'run', 'control.sock')
}

/** For tests: sends pieces as they are, and gives everything that comes back until the other end closes or `until` is satisfied. */
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
