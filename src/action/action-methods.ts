import type { CommandAction } from './command-action.js'

/** What an operator may call (`set J action A start`). The others want arguments that only Fail2ban's own code can make. */
export function callable(action: CommandAction, method: string): (() => Promise<void>) | undefined {
  switch (method) {
    case 'start':
      return () => action.start()
    case 'stop':
      return () => action.stop()
    case 'flush':
      return () => action.flush()
    case 'reload':
      return () => action.reload()
    case 'consistencyCheck':
      return () => action.checkConsistency()
    default:
      return undefined
  }
}
