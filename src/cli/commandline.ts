/** The library that reads command lines, for all who describe commands. */
export { buildApplication, buildCommand, buildRouteMap, proposeCompletions, run, text_en } from '@stricli/core'
