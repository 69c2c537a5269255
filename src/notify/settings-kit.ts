import assert from 'node:assert/strict'
import type { NotifySettings } from './notifier.js'
import { notifySettings, type WrittenSettings } from './notify-settings.js'

/** `[notify]` when nobody has written anything. */
export const nothing: WrittenSettings = {
  webhook: undefined,
  command: undefined,
  email_to: [],
  email_from: undefined,
  email_every: 3_600_000,
  smtp: undefined,
  events: ['ban', 'unban', 'trouble'],
}

/** For tests: the settings when this is written; it must be right. */
export function settings(written: Partial<WrittenSettings>): NotifySettings {
  const read = notifySettings({ ...nothing, ...written })
  return 'problem' in read ? assert.fail(read.problem) : read
}
