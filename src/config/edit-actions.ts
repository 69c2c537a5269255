import type { ActionSpec } from '../domain/action-spec.js'
import { byCommand } from './edit.js'
import type { JailConfig } from './jail-config.js'

/** The jail with one more action that has no properties yet, or with this one emptied (spec 6.7). */
export function withAction(config: JailConfig, name: string, file = name): JailConfig {
  const action: ActionSpec = { file, name, properties: [], origin: byCommand }
  const isKnown = config.actions.some((one) => one.name === name)
  const actions = isKnown
    ? config.actions.map((one) => (one.name === name ? action : one))
    : [...config.actions, action]
  return { ...config, actions }
}

export function withoutAction(config: JailConfig, name: string): JailConfig {
  return { ...config, actions: config.actions.filter((action) => action.name !== name) }
}

/** The jail with properties of an action set; those of the same name are replaced in their places. */
export function withProperties(
  config: JailConfig,
  name: string,
  properties: readonly (readonly [string, string])[],
): JailConfig {
  const actions = config.actions.map((action) =>
    action.name === name
      ? { ...action, properties: [...new Map([...action.properties, ...properties]).entries()] }
      : action,
  )
  return { ...config, actions }
}
