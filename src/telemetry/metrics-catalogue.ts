import { Gauge, type Registry } from 'prom-client';

export interface CatalogueMetrics {
  /** Before each scrape: what is wrong with the tables, one sentence each. */
  show(problems: readonly string[]): void;
}

export function createCatalogueMetrics(registry: Registry): CatalogueMetrics {
  const problems = new Gauge({
    name: 'gateway_catalogue_problems',
    help: 'Required tables, columns and rights that have gone since the gateway started; /readyz names them.',
    registers: [registry],
  });
  return { show: (found) => problems.set(found.length) };
}
