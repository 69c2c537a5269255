import { createHash } from 'node:crypto'
import type { Parcel, Transport } from '../../fleet/transport.js'

/** Brings what the operator has signed about members to the broker. What does not get through is published again with the next connection. */
export class CertificateTeller {
  readonly #transport: Pick<Transport, 'publish'>
  /** By subject. The broker may not have them yet. */
  readonly #untold = new Map<string, Parcel>()

  constructor(transport: Pick<Transport, 'publish'>) {
    this.#transport = transport
  }

  tell(parcel: Parcel): void {
    this.#untold.set(parcel.subject, parcel)
    this.#publish(parcel)
  }

  /** There is a connection. */
  again(): void {
    for (const parcel of this.#untold.values()) this.#publish(parcel)
  }

  #publish(parcel: Parcel): void {
    const id = createHash('sha256').update(parcel.body).digest('hex').slice(0, 32)
    this.#transport.publish(parcel, { id }).then(
      () => {
        if (this.#untold.get(parcel.subject) === parcel) this.#untold.delete(parcel.subject)
      },
      () => {},
    )
  }
}
