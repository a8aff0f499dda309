import { parseSettings, type Settings } from './settings.ts';

let settings: Settings | undefined;

/** The settings of this process, read when the first request needs them: a build needs none. */
export function settingsOfProcess(): Settings {
  settings ??= parseSettings(process.env);
  return settings;
}
