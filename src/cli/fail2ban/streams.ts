/** What these programs read from and print to. */
export interface Streams {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly stdout: { write(text: string): void }
  readonly stderr: { write(text: string): void }
}
