import { buildCommand, buildRouteMap } from './commandline.js'
import { aliases, common, jail, one, value } from './parameters.js'

export const token = buildRouteMap({
  routes: {
    add: buildCommand({
      loader: async () => (await import('./commands/token.js')).add,
      parameters: {
        flags: {
          ...common,
          jail: { ...jail, brief: 'The jail it bans in (default: manual, which closes every port)' },
          rate: value('N', 'So many addresses a minute (default 60)'),
          longest: value('TIME', 'No ban of it lasts longer (default 1d)'),
        },
        aliases: { ...aliases, j: 'jail' },
        positional: { kind: 'tuple', parameters: [one('NAME', 'Who will have it: a-z, 0-9 and -')] },
      },
      docs: { brief: 'Make a token and print it' },
    }),
    list: buildCommand({
      loader: async () => (await import('./commands/token.js')).list,
      parameters: { flags: common, aliases },
      docs: { brief: 'List the tokens and what they may do' },
    }),
    remove: buildCommand({
      loader: async () => (await import('./commands/token.js')).remove,
      parameters: { flags: common, aliases, positional: { kind: 'tuple', parameters: [one('NAME', 'A token')] } },
      docs: { brief: 'Make a token void' },
    }),
  },
  docs: { brief: 'Tokens of programs that may ban over HTTP' },
})
