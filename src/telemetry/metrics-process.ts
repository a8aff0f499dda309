import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

/** What runs. */
export interface Build {
  readonly version: string;
  /** The commit, when it is known. */
  readonly revision?: string | undefined;
}

/** Gauges with the suffix of a counter: Prometheus's own linter refuses them. */
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/** Memory, CPU, event loop and garbage collection of the process, and what it is. */
export function createProcessMetrics(registry: Registry, { version, revision = '' }: Build): void {
  collectDefaultMetrics({ register: registry });
  for (const name of misnamed) registry.removeSingleMetric(name);
  new Gauge({
    name: 'gateway_build_info',
    help: 'Always 1; its labels say what runs.',
    labelNames: ['version', 'revision'],
    registers: [registry],
  }).set({ version, revision }, 1);
}
