import { Counter, Gauge, Registry } from 'prom-client';
import type { Route } from '../http/routes.ts';
import { type Build, createProcessMetrics } from '../telemetry/metrics-process.ts';
import { createMetricsRoute } from '../telemetry/metrics-route.ts';
import type { Rollups } from './rollups.ts';

export interface RollupMetricsOptions {
  readonly build: Build;
  /** When set, a scrape must carry it as a bearer token. */
  readonly token: string | undefined;
}

/** What Prometheus reads of the process that keeps rollups. */
export function createRollupMetrics(
  rollups: Pick<Rollups, 'reason' | 'ageSeconds' | 'figures'>,
  { build, token }: RollupMetricsOptions,
): Route {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  const up = gauge(
    'rollups_up',
    '1 while the file is kept up to date, 0 while it is built or something is wrong.',
  );
  const age = gauge('rollups_age_seconds', 'Upper bound of the age of what is kept. Absent when unknown.');
  const rows = gauge('rollups_rows', 'Sums of an account and a quarter of an hour, when the file was built.');
  const buildSeconds = gauge(
    'rollups_build_seconds',
    'How long it took to build the file. Absent before that.',
  );
  const totals = {
    builds: counter('rollups_builds_total', 'How often the file was built.'),
    recounted: counter('rollups_recounted_total', 'Sums that were counted again.'),
    audited: counter('rollups_audited_total', 'Sums that were compared with the calls.'),
    mismatched: counter('rollups_mismatched_total', 'Sums that were not what the calls add up to.'),
  };
  createProcessMetrics(registry, build);

  function refresh(): void {
    const { figures, ageSeconds, reason } = rollups;
    up.set(reason === undefined ? 1 : 0);
    rows.set(figures.rows);
    if (ageSeconds === null) age.remove();
    else age.set(ageSeconds);
    if (figures.buildSeconds === null) buildSeconds.remove();
    else buildSeconds.set(figures.buildSeconds);
    for (const name of Object.keys(totals) as (keyof typeof totals)[]) {
      totals[name].reset();
      totals[name].inc(figures[name]);
    }
  }
  return createMetricsRoute(registry, { refresh, token });
}
