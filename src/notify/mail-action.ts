import type { ActionSpec } from '../domain/action-spec.js'
import { composeMail } from './mail-message.js'
import { type MailScript, parseMailScript } from './mail-script.js'
import { isYes, type NoticeAction, type Occasion, propertiesOf } from './notice-action.js'
import { sendByProgram } from './sendmail.js'

const occasions: readonly (readonly [command: string, occasion: Occasion])[] = [
  ['actionstart', 'start'],
  ['actionstop', 'stop'],
  ['actionban', 'ban'],
  ['actionunban', 'unban'],
]
const known = new Set(occasions.map(([command]) => command))

/**
 * An action whose commands do nothing but send mails (`sendmail-whois`, `mail`, …), stock or rewritten; undefined when any of them does
 * something else, such as to keep a file (`sendmail-buffered`): then a shell has to run it.
 */
export function mailAction(action: ActionSpec): NoticeAction | undefined {
  const properties = propertiesOf(action)
  const scripts = new Map<Occasion, MailScript>()
  for (const [name, value] of properties) {
    if (!/^action/.test(name) || name === 'actionstart_on_demand' || name === 'actname' || value.trim() === '') continue
    if (!known.has(name)) return undefined
  }
  for (const [command, occasion] of occasions) {
    const text = properties.get(command) ?? ''
    if (text.trim() === '') continue
    const script = parseMailScript(text)
    if (script === undefined) return undefined
    scripts.set(occasion, script)
  }
  if (scripts.size === 0) return undefined
  return {
    name: action.name,
    isSilentOnRestore: isYes(properties.get('norestored')),
    speaksOf: (occasion) => scripts.has(occasion),
    async tell({ occasion, tags }, context) {
      const script = scripts.get(occasion)
      if (script === undefined) return
      const { argv, text } = await composeMail(script, { ...context, properties, tags })
      await sendByProgram(argv, text, context)
    },
  }
}
