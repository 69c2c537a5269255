/** Where the tool prints to. */
export interface Streams {
  stdout: { write(text: string): void }
  stderr: { write(text: string): void }
}

/** Characters gathered before they are written: a call for each line would cost more than finding it. */
const gatheredMax = 1 << 16

/** Prints lines, gathered. */
export class Printer {
  readonly #stream: Streams['stdout']
  #gathered = ''

  constructor(stream: Streams['stdout']) {
    this.#stream = stream
  }

  line(text: string): void {
    if (this.#gathered.length > gatheredMax) this.flush()
    // Last: whoever is stopped has either printed it or not (see LineRun).
    this.#gathered += `${text}\n`
  }

  flush(): void {
    if (this.#gathered !== '') this.#stream.write(this.#gathered)
    this.#gathered = ''
  }
}
