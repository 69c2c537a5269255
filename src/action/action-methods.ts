import type { CommandAction } from './command-action.js'

/** Methods of an action, as Fail2ban lists them (`get J actionmethods A`, spec 7.3). */
export const actionMethods: readonly string[] = [
  ...['ban', 'clearAllParams', 'consistencyCheck', 'escapeTag', 'executeCmd', 'flush', 'invalidateBanEpoch'],
  ...['prolong', 'reban', 'reload', 'replaceDynamicTags', 'replaceTag', 'start', 'stop', 'unban'],
]

/** What Fail2ban's list of properties has besides those that can be set. */
export const classProperties: readonly string[] = ['ESCAPE_CRE', 'ESCAPE_VN_CRE', 'banEpoch']

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
