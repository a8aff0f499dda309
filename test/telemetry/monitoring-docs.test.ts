import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { metrics as grafanaMetrics } from '../../src/grafana/metric-list.ts';
import { createRouter } from '../../src/http/routes.ts';
import { schema } from '../../src/schema/index.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';

const text = readFileSync('docs/monitoring.md', 'utf8');

describe('docs/monitoring.md', () => {
  test('has a row for every metric of Prometheus, and for no other', async () => {
    const { route } = createMetrics({
      replicas: { snapshot: () => ({ status: 'OK', asOf: null, replicas: [], primary: null, sources: [] }) },
      schema,
      build: { version: '1' },
    });
    const exposed = await (await createRouter([route])(new Request('http://gateway/metrics'))).text();
    const names = [...exposed.matchAll(/^# TYPE (gateway_\w+)/gm)].map((found) => found[1]!);
    const rows = [...text.matchAll(/^\| `(gateway_\w+)` \|/gm)].map((found) => found[1]!);
    expect(rows.toSorted()).toEqual(names.toSorted());
  });

  test('names every metric of the JSON datasource', () => {
    for (const { value } of grafanaMetrics) expect(text).toContain(`\`${value}\``);
    const named = [...text.matchAll(/`((?:replication|calls)_\w+)`/g)].map((found) => found[1]!);
    const known = grafanaMetrics.map(({ value }) => value);
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });

  test('names every field of the payloads', () => {
    const fields = new Set(grafanaMetrics.flatMap(({ payloads }) => payloads.map(({ name }) => name)));
    for (const field of fields) expect(text).toContain(`\`${field}\``);
  });
});
