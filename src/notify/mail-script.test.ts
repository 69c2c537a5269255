import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import fc from 'fast-check'
import { MailKit } from '../../test/kit/mail-kit.js'
import { runChild } from '../lib/child.js'
import { composeMail } from './mail-message.js'
import { parseMailScript } from './mail-script.js'

const kit = new MailKit()
after(() => kit.remove())

const inQuotes = fc.constantFrom(
  ...['a', 'é', ' ', '\n', '~', '!', '#', '%s', "'", ';', '|', '&', '*', '(', '[', '{', '.', '$', '`', '"', '\\'],
  ...[
    '\\n',
    '\\t',
    '\\\\',
    '\\\\\\\\',
    '\\"',
    '\\$',
    '\\`',
    '\\0101',
    '\\0',
    '\\07',
    '\\q',
    '\\c',
    '\\x41',
    '\\101',
    '\\.',
  ],
)
const text = fc.array(inQuotes, { maxLength: 12 }).map((parts) => parts.join(''))
const plain = fc.stringMatching(/^[a-zA-Z0-9=@.,:+%/_-]{1,8}$/)
const word = fc
  .array(
    fc.oneof(
      plain,
      text.map((one) => `"${one}"`),
      text.map((one) => `'${one}'`),
      fc.constantFrom('~', '#', '*', '!', '\\', '$'),
    ),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  .map((parts) => parts.join(''))
const printed = text.map((one) => `printf %b "${one}"`)
const script = fc.record({
  body: fc.oneof(
    printed,
    fc.array(printed, { minLength: 1, maxLength: 3 }).map((all) => `( ${all.join(';\n')} )`),
  ),
  pipe: fc.constantFrom('|', ' | ', ' |\n'),
  args: fc.array(word, { maxLength: 3 }),
})

/** What the shell makes of it, and what we do; one child for many, because starting one takes longer than all the rest. */
describe('a mail script', () => {
  it('says to the mailer what a shell would make of it, or is not read at all', async () => {
    const texts = fc.sample(script, { numRuns: 400, seed: 20261121 }).map(({ body, pipe, args }) => {
      return `${body}${pipe}record -x ${args.join(' ')}`
    })
    const read = texts.flatMap((one) => {
      const mail = parseMailScript(one)
      return mail ? [{ text: one, mail }] : []
    })
    assert.ok(read.length > 40 && read.length < texts.length, `${read.length} of ${texts.length} are read`)
    kit.program('record', `for one; do printf '%s\\001' "$one"; done; printf '\\002'; cat; printf '\\003'`)
    const all = read.map(({ text }) => `${text}\n`).join('')
    const { stdout, stderr } = await kit.run(['/bin/sh', '-c', all], { timeoutMs: 60_000, outputBytesMax: 1 << 24 })
    assert.equal(stderr, '')
    const theirs = stdout.split('\u0003')
    for (const [at, { text, mail }] of read.entries()) {
      const { argv, text: ours } = await composeMail(mail, {
        properties: new Map(),
        names: { full: 'h', short: 'h' },
        tags: undefined,
        nowMs: 0,
        run: runChild,
        signal: new AbortController().signal,
      })
      assert.equal(
        `${argv
          ?.slice(1)
          .map((one) => `${one}\u0001`)
          .join('')}\u0002${ours}`,
        theirs[at],
        text,
      )
    }
  })
})
