import { BadSettingsError } from '../settings/parse.ts';

/** How far a restore goes. */
export type RecoveryTarget =
  | { readonly kind: 'latest' }
  | { readonly kind: 'consistent' }
  | { readonly kind: 'time'; readonly time: Date; readonly text: string }
  | { readonly kind: 'lsn'; readonly lsn: string };

const LSN = /^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/i;
const TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(\.\d{1,6})? ?(Z|[+-]\d\d(?::?\d\d)?)$/i;

/** Throws BadSettingsError. */
export function parseRecoveryTarget(text: string | undefined): RecoveryTarget {
  if (text === undefined || text === 'latest') return { kind: 'latest' };
  if (text === 'consistent') return { kind: 'consistent' };
  if (LSN.test(text)) return { kind: 'lsn', lsn: text.toUpperCase() };
  const [, day, clock, fraction = '', zone] = TIME.exec(text) ?? [];
  if (day && clock && zone) {
    const seconds = clock.length === 5 ? `${clock}:00` : clock;
    const offset = /^z$/i.test(zone)
      ? 'Z'
      : zone.replace(/^(...):?(..)?$/, (_, hours, minutes = '00') => `${hours}:${minutes}`);
    const time = new Date(`${day}T${seconds}${offset}`);
    // A day that there is not, such as 31 June, becomes another one.
    if (!Number.isNaN(time.getTime()) && hasDay(day)) {
      return {
        kind: 'time',
        time,
        text: `${time.toISOString().slice(0, 19).replace('T', ' ')}${fraction}+00`,
      };
    }
  }
  throw new BadSettingsError([
    `--to: expected a time with its zone, such as 2026-11-28T08:00:00Z, an LSN, such as 3/A1B2C3D4, "latest" or "consistent", got "${text}"`,
  ]);
}

function hasDay(day: string): boolean {
  const time = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(day);
}

/** As options of `pgbackrest restore`. */
export function targetOptions(target: RecoveryTarget): readonly string[] {
  switch (target.kind) {
    case 'latest':
      return ['--type=default'];
    case 'consistent':
      return ['--type=immediate', '--target-action=promote'];
    case 'time':
      return ['--type=time', `--target=${target.text}`, '--target-action=promote'];
    case 'lsn':
      return ['--type=lsn', `--target=${target.lsn}`, '--target-action=promote'];
  }
}

export function describeTarget(target: RecoveryTarget): string {
  switch (target.kind) {
    case 'latest':
      return 'the end of the archive';
    case 'consistent':
      return 'the end of the backup itself';
    case 'time':
      return target.text;
    case 'lsn':
      return target.lsn;
  }
}
