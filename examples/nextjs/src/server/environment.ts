import { parseSettings, type Settings } from './settings.ts';

let settings: Settings | undefined;

/** The settings of this process, read when the first request needs them: a build needs none. */
export function settingsOfProcess(): Settings {
  settings ??= parseSettings(process.env);
  return settings;
}

/** Ends the process where a setting is wrong, with a list of every wrong one. */
export function requireSettings(): void {
  try {
    settingsOfProcess();
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}
