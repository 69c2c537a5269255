import type { Parcel, Transport } from '../../fleet/transport.js'
import type { Clock } from '../../lib/clock.js'

/** A broker that is new has no store yet, and a cluster without a leader none for some seconds. */
const againMs = 2000

/** Brings what the operator has signed about members to the broker. What does not get through is published again, until it does. */
export class CertificateTeller {
  readonly #transport: Pick<Transport, 'publish'>
  /** By subject. The broker may not have them yet. */
  readonly #untold = new Map<string, Parcel>()

  readonly #clock: Clock
  #cancel: (() => void) | undefined
  #isClosed = false

  constructor(transport: Pick<Transport, 'publish'>, clock: Clock) {
    this.#transport = transport
    this.#clock = clock
  }

  tell(parcel: Parcel): void {
    this.#untold.set(parcel.subject, parcel)
    this.#publish(parcel)
  }

  /** There is a connection. */
  again(): void {
    this.#cancel?.()
    this.#cancel = undefined
    for (const parcel of this.#untold.values()) this.#publish(parcel)
  }

  close(): void {
    this.#isClosed = true
    this.#cancel?.()
  }

  #publish(parcel: Parcel): void {
    this.#transport.publish(parcel).then(
      () => {
        if (this.#untold.get(parcel.subject) === parcel) this.#untold.delete(parcel.subject)
      },
      () => {
        if (!this.#isClosed) this.#cancel ??= this.#clock.after(againMs, () => this.again())
      },
    )
  }
}
