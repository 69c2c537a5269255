import { messageOf } from '../lib/error-message.js'

/** A server that takes mails. */
export interface SmtpServer {
  host: string
  port: number
  /** TLS from the first byte; without it TLS is begun when the server offers it (STARTTLS). */
  tls: boolean
  /** Refuse a server whose certificate is not good, and one without TLS. */
  isStrict: boolean
  login: { user: string; password: string } | undefined
}

export interface SmtpMail {
  from: { name: string; address: string }
  /** Addresses. */
  to: readonly string[]
  subject: string
  text: string
  date: Date
}

const answerMs = 20_000

/** Sends one mail over a connection of its own. Rejects with a sentence that never has the password. */
export async function sendBySmtp(server: SmtpServer, mail: SmtpMail, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  // 7 MB of memory, for those who use it.
  const { createTransport } = await import('nodemailer')
  const { host, port, tls, isStrict, login } = server
  const transport = createTransport({
    host,
    port,
    secure: tls,
    requireTLS: isStrict && !tls,
    // A password is for the server named, nobody else; otherwise some encryption is better than none.
    tls: { rejectUnauthorized: isStrict },
    connectionTimeout: answerMs,
    greetingTimeout: answerMs,
    socketTimeout: answerMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(login && { auth: { user: login.user, pass: login.password } }),
  })
  try {
    await transport.sendMail({
      from: mail.from,
      to: mail.to.map((address) => ({ name: '', address })),
      envelope: { from: mail.from.address, to: [...mail.to] },
      subject: mail.subject,
      text: mail.text,
      date: mail.date,
      signal,
    })
  } catch (error) {
    const reason = messageOf(error)
    throw new Error(`Cannot send mail by the server ${host}:${port}: ${reason}`, { cause: error })
  } finally {
    transport.close()
  }
}
