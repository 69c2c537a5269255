import { once } from 'node:events'
import net from 'node:net'

export interface SunkMail {
  from: string
  to: string[]
  /** With CRLF line ends, dots unstuffed. */
  data: string
  /** As the client gave it: `PLAIN …`. */
  login: string | undefined
}

/** For tests: a mail server (RFC 5321) that keeps what it gets. */
export class SmtpSink {
  readonly mails: SunkMail[] = []
  /** Everything that was said to it, but the mails. */
  readonly commands: string[] = []
  readonly #server: net.Server
  readonly #sockets = new Set<net.Socket>()
  /** What it says to these commands instead of yes. */
  readonly #answers: Readonly<Record<string, string>>

  private constructor(answers: Readonly<Record<string, string>>) {
    this.#answers = answers
    this.#server = net.createServer((socket) => this.#serve(socket))
  }

  static async listen(answers: Readonly<Record<string, string>> = {}): Promise<SmtpSink> {
    const sink = new SmtpSink(answers)
    sink.#server.listen(0, '127.0.0.1')
    await once(sink.#server, 'listening')
    return sink
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Resolves when somebody is there. */
  async connected(): Promise<void> {
    if (this.#sockets.size === 0) await once(this.#server, 'connection')
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #serve(socket: net.Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => {})
    socket.setEncoding('utf8')
    let mail: SunkMail = { from: '', to: [], data: '', login: undefined }
    let text = ''
    let inData = false
    socket.write(this.#answers.greeting ?? '220 sink\r\n')
    socket.on('data', (piece) => {
      text += piece
      for (let end = text.indexOf('\r\n'); end >= 0; end = text.indexOf('\r\n')) {
        const line = text.slice(0, end)
        text = text.slice(end + 2)
        if (inData && line !== '.') mail.data += `${line.replace(/^\./, '')}\r\n`
        else if (inData) {
          inData = false
          this.mails.push(mail)
          mail = { from: '', to: [], data: '', login: mail.login }
          socket.write('250 kept\r\n')
        } else {
          this.commands.push(line)
          const word = line.split(/[ :]/, 1)[0]?.toUpperCase() ?? ''
          const answer = this.#answers[word]
          if (word === 'MAIL') mail.from = /<(.*?)>/.exec(line)?.[1] ?? line
          if (word === 'RCPT') mail.to.push(/<(.*?)>/.exec(line)?.[1] ?? line)
          if (word === 'AUTH') mail.login = line.slice(5)
          inData = word === 'DATA' && answer === undefined
          socket.write(`${answer ?? reply(word)}\r\n`)
          if (word === 'QUIT') socket.end()
        }
      }
    })
  }
}

function reply(word: string): string {
  if (word === 'EHLO') return '250-sink\r\n250 AUTH PLAIN'
  if (word === 'DATA') return '354 go on'
  if (word === 'AUTH') return '235 welcome'
  return word === 'QUIT' ? '221 bye' : '250 yes'
}
