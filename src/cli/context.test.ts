import assert from 'node:assert/strict'
import { it } from 'node:test'
import { printJson } from './context.js'

it('prints JSON that no terminal obeys, and that says the same', () => {
  const out: string[] = []
  const context = { process: { stdout: { write: (text: string) => void out.push(text) }, stderr: { write() {} } } }
  const value = { line: '\x1b[2J \x9b31m \x7f \u202eevil\u202c \x00 "ü\\\n' }
  printJson(context, value)
  const printed = out.join('')
  assert.deepEqual(JSON.parse(printed), value)
  assert.doesNotMatch(printed.replaceAll('\n', ''), /[\0-\x1f\x7f-\x9f\u202a-\u202e]/)
  assert.match(printed, /\\u009b31m/)
})
