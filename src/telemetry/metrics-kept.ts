import { Counter, type Registry } from 'prom-client';
import type { KeptAnswers } from '../replicas/kept-file.ts';

export interface KeptMetrics {
  /** Before each scrape. Where nothing is kept there is no series. */
  show(answers: KeptAnswers): void;
}

export function createKeptMetrics(registry: Registry): KeptMetrics {
  const answered = new Counter({
    name: 'gateway_statistics_total',
    help: 'Statistics by where they were read, while rollups are kept, and by why not there.',
    labelNames: ['source', 'reason'],
    registers: [registry],
  });
  return {
    show({ kept, refused }) {
      answered.reset();
      answered.inc({ source: 'rollups', reason: '' }, kept);
      for (const [reason, times] of Object.entries(refused)) answered.inc({ source: 'table', reason }, times);
    },
  };
}
