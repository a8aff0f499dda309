import { dataSourceVariable, queryVariable } from './dashboard.ts';
import type { DataSource, QueryTarget } from './panels.ts';

const datasource: DataSource = { type: 'simpod-json-datasource', uid: `\${json}` };

export const jsonVariable = dataSourceVariable('json', 'CDR gateway (JSON)', {
  type: 'simpod-json-datasource',
  uid: 'cdr-gateway-json',
});

export const replicaVariable = queryVariable('replica', 'Replica', {
  datasource,
  query: { query: 'replicas', format: 'string' },
});

/** A metric of ours, for the replicas chosen where it is of each of them. */
export function metric(target: string, refId = 'A'): QueryTarget {
  const payload = target === 'replication_health' ? '{}' : '{ "replica": $replica }';
  return { refId, datasource, target, editorMode: 'code', payload };
}

export function annotation(name: string, target: string, iconColor: string): object {
  return { name, datasource, enable: true, hide: false, iconColor, target: metric(target, 'Anno') };
}
