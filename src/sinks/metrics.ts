import { Counter, Gauge, Registry } from 'prom-client';
import type { Route } from '../http/routes.ts';
import { type Build, createProcessMetrics } from '../telemetry/metrics-process.ts';
import { createMetricsRoute } from '../telemetry/metrics-route.ts';
import { changeKinds } from './changes.ts';
import type { Publisher } from './publisher.ts';

export interface PublisherMetricsOptions {
  readonly build: Build;
  /** When set, a scrape must carry it as a bearer token. */
  readonly token: string | undefined;
}

/** What Prometheus reads of a publisher. */
export function createPublisherMetrics(
  publisher: Pick<Publisher, 'published' | 'failed' | 'isUp' | 'lagSeconds'>,
  { build, token }: PublisherMetricsOptions,
): Route {
  const registry = new Registry();
  const registers = [registry];
  const up = new Gauge({
    name: 'publisher_up',
    help: '1 while changes are read and published, 0 between two attempts.',
    registers,
  });
  const lag = new Gauge({
    name: 'publisher_lag_seconds',
    help: 'Upper bound of the age of what the stream holds. Absent when unknown.',
    registers,
  });
  const changes = new Counter({
    name: 'publisher_changes_total',
    help: 'Messages that were published.',
    labelNames: ['change'],
    registers,
  });
  const failures = new Counter({
    name: 'publisher_failures_total',
    help: 'How often it had to begin again behind what the stream holds.',
    registers,
  });
  createProcessMetrics(registry, build);

  function refresh(): void {
    up.set(publisher.isUp ? 1 : 0);
    if (publisher.lagSeconds === null) lag.remove();
    else lag.set(publisher.lagSeconds);
    changes.reset();
    for (const change of changeKinds) changes.inc({ change }, publisher.published.get(change) ?? 0);
    failures.reset();
    failures.inc(publisher.failed);
  }
  return createMetricsRoute(registry, { refresh, token });
}
