import type { Backup } from './repository.ts';

/** How many days, weeks and months are kept, of each the newest that has a backup. */
export interface Retention {
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
}

type RetainedBackup = Pick<Backup, 'label' | 'type' | 'stoppedAt' | 'references'>;

/**
 * Labels of the backups that may go, those on which others are built first: each takes along what is built on it. Of a day the
 * last backup is kept; of a week and of a month the first full one, so that the choice does not change as they go on. Days
 * are those of UTC, weeks begin on Monday. The newest full backup stays in any case.
 */
export function chooseExpired(backups: readonly RetainedBackup[], retention: Retention): readonly string[] {
  const ordered = [...backups].sort((one, other) => one.stoppedAt.getTime() - other.stoppedAt.getTime());
  const full = ordered.filter(({ type }) => type === 'full');
  const chosen = [
    ...newestPeriods(ordered, dayOf, retention.daily).map((group) => group.at(-1)!),
    ...newestPeriods(full, weekOf, retention.weekly).map((group) => group[0]!),
    ...newestPeriods(full, monthOf, retention.monthly).map((group) => group[0]!),
    ...full.slice(-1),
  ];
  const kept = new Set(chosen.flatMap(({ label, references }) => [label, ...references]));
  const expired = ordered.filter(({ label }) => !kept.has(label));
  const gone = new Set(expired.map(({ label }) => label));
  return expired
    .filter(({ references }) => !references.some((label) => gone.has(label)))
    .map(({ label }) => label);
}

function newestPeriods(
  backups: readonly RetainedBackup[],
  periodOf: (time: Date) => string,
  count: number,
): readonly (readonly RetainedBackup[])[] {
  if (count === 0) return [];
  return [...Map.groupBy(backups, ({ stoppedAt }) => periodOf(stoppedAt)).values()].slice(-count);
}

const dayOf = (time: Date): string => time.toISOString().slice(0, 10);
const monthOf = (time: Date): string => time.toISOString().slice(0, 7);

/** The Monday with which its week begins. */
export function weekOf(time: Date): string {
  const sinceMonday = (time.getUTCDay() + 6) % 7;
  return dayOf(new Date(time.getTime() - sinceMonday * 86_400_000));
}
