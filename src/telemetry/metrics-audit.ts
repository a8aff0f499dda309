import { Gauge, type Registry } from 'prom-client';
import type { AuditReports } from '../access/audit/audit-log.ts';

export interface AuditMetrics {
  /** Before each scrape. */
  show(reports: AuditReports): void;
}

export function createAuditMetrics(registry: Registry): AuditMetrics {
  const lines = new Gauge({
    name: 'gateway_audit_lines',
    help: 'Lines of the audit that were written since the start.',
    registers: [registry],
  });
  const lost = new Gauge({
    name: 'gateway_audit_lost_lines',
    help: 'Lines of the audit that could not be written since the start; the requests were answered all the same.',
    registers: [registry],
  });
  return {
    show(reports) {
      lines.set(reports.lines);
      lost.set(reports.lost);
    },
  };
}
