import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, validate } from 'graphql';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { dashboardFiles } from '../../codegen/dashboards.ts';
import { metrics as grafanaMetrics } from '../../src/grafana/metric-list.ts';
import { createRouter } from '../../src/http/routes.ts';
import { schema } from '../../src/schema/index.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createGrafanaGateway, type GrafanaGateway } from '../grafana/grafana-gateway.ts';
import { aFailedXdr, anAccount, anXdr } from '../support/builders.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { ofPostgresExporter, ofStatements } from '../support/postgres-exporter.ts';
import { hasPromtool, promtool, promtoolNote } from '../support/promtool.ts';
import { aReplicaStatus } from '../support/replica-statuses.ts';

interface Target {
  readonly refId: string;
  readonly datasource: { readonly type: string; readonly uid: string };
  readonly expr?: string;
  readonly target?: string;
  readonly payload?: string;
  readonly type?: string;
  readonly parser?: string;
  readonly url?: string;
  readonly url_options?: { readonly body_graphql_query?: string };
  readonly root_selector?: string;
  readonly columns?: readonly { readonly selector: string; readonly text: string; readonly type: string }[];
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly Target[];
  readonly fieldConfig?: {
    readonly defaults: {
      readonly unit?: string;
      readonly noValue?: string;
      readonly custom?: { readonly spanNulls?: unknown };
    };
    readonly overrides: readonly {
      readonly matcher: { readonly options: string };
      readonly properties: readonly { readonly id: string; readonly value: unknown }[];
    }[];
  };
  readonly options?: {
    readonly reduceOptions?: { readonly calcs: readonly string[] };
    readonly xField?: string;
  };
  readonly transformations?: readonly { readonly id: string }[];
}

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly tags: readonly string[];
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly {
      readonly name: string;
      readonly query: unknown;
      readonly datasource?: { uid: string };
    }[];
  };
  readonly annotations: { readonly list: readonly { readonly target: Target }[] };
}

const dashboards = Object.entries(dashboardFiles).map(([file, write]): [string, Dashboard] => [
  file,
  JSON.parse(write()),
]);

/** Panels that show something. */
const panels = dashboards.flatMap(([file, { panels: all }]) =>
  all
    .filter(({ type }) => type !== 'row')
    .map((panel) => ({ name: `${file.split('/').at(-1)} "${panel.title}"`, panel })),
);

/** Every query of a dashboard: of its panels, variables and annotations. */
const queries = dashboards.flatMap(([file, { panels: all, annotations, templating }]) => {
  const ofVariables = templating.list.flatMap(({ query }) => {
    const { infinityQuery } = (query ?? {}) as { infinityQuery?: Target };
    return infinityQuery ? [infinityQuery] : [];
  });
  const targets = [
    ...all.flatMap((panel) => (panel.targets ?? []).map((target) => ({ target, title: panel.title }))),
    ...annotations.list.map(({ target }) => ({ target, title: 'annotations' })),
    ...ofVariables.map((target) => ({ target, title: 'a variable' })),
  ];
  return targets.map(({ target, title }) => ({
    name: `${file.split('/').at(-1)} "${title}" ${target.refId}`,
    target,
  }));
});

const FROM = Date.parse('2026-01-05T00:00:00Z');
const TO = Date.parse('2026-01-06T00:00:00Z');

/** As Grafana and Infinity fill in what stands for something. */
function filledIn(text: string, { from = FROM, to = TO } = {}): string {
  return text
    .replaceAll(`\${__timeFrom}`, String(from))
    .replaceAll(`\${__timeTo}`, String(to))
    .replaceAll(`\${bucket}`, 'HOUR')
    .replaceAll(`\${zone}`, 'Europe/Paris')
    .replaceAll(`\${account:json}`, '["14"]')
    .replaceAll(`\${country:json}`, 'null')
    .replaceAll('$replica', '["replica-a"]');
}

describe('the committed dashboards', () => {
  test.each(dashboards.map(([file]) => file))('%s is what its source writes', (file) => {
    expect(readFileSync(file, 'utf8')).toBe(dashboardFiles[file]!());
  });

  test('are all there is in their folder, which Grafana is told of', () => {
    expect(globSync('docker/grafana/dashboards/**/*.json').sort()).toEqual(
      Object.keys(dashboardFiles).sort(),
    );
    const provider = readFileSync('docker/grafana/provisioning/dashboards/cdr-gateway.yml', 'utf8');
    const mounted = readFileSync('docker/compose.yaml', 'utf8');
    expect(provider).toContain('path: /var/lib/grafana/dashboards/generated');
    expect(mounted).toContain('./grafana/dashboards:/var/lib/grafana/dashboards:ro');
  });

  test('have names that never change, and the last classic version of the format', () => {
    expect(dashboards.map(([, { uid }]) => uid).sort()).toEqual([
      'cdr-gateway',
      'cdr-postgresql',
      'cdr-quality',
      'cdr-replication',
      'cdr-replication-json',
      'cdr-traffic',
    ]);
    for (const [, { schemaVersion, tags }] of dashboards) {
      expect(schemaVersion).toBe(42);
      expect(tags).toContain('cdr-gateway');
    }
  });

  test.each(dashboards)(
    '%s has panels with ids of their own that do not lie on each other',
    (_, { panels: all }) => {
      expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
      for (const one of all) {
        expect(one.gridPos.x + one.gridPos.w).toBeLessThanOrEqual(24);
        for (const other of all) {
          if (one === other) continue;
          const isApart =
            one.gridPos.x + one.gridPos.w <= other.gridPos.x ||
            other.gridPos.x + other.gridPos.w <= one.gridPos.x ||
            one.gridPos.y + one.gridPos.h <= other.gridPos.y ||
            other.gridPos.y + other.gridPos.h <= one.gridPos.y;
          expect(isApart, `${one.title} and ${other.title}`).toBe(true);
        }
      }
    },
  );

  test('ask only data sources that are provisioned', () => {
    const provisioned = readFileSync('docker/grafana/provisioning/datasources/cdr-gateway.yml', 'utf8');
    for (const [, { templating }] of dashboards) {
      const variables = templating.list.filter((variable) => 'current' in variable && !variable.datasource);
      const sources = variables.filter(({ name }) => ['prometheus', 'gateway', 'json'].includes(name));
      expect(sources.length).toBeGreaterThan(0);
      for (const source of sources) {
        const { current } = source as unknown as { current: { value: string } };
        expect(provisioned).toContain(`uid: ${current.value}\n    type: ${source.query}\n`);
      }
    }
    for (const { target } of queries)
      expect(target.datasource.uid).toMatch(/^\$\{(prometheus|gateway|json)\}$/);
  });
});

describe('a panel', () => {
  test.each(panels)('$name says what it shows, in which unit, and what it does not know', ({ panel }) => {
    expect(panel.description!.length).toBeGreaterThan(20);
    const { defaults, overrides } = panel.fieldConfig!;
    expect(defaults.unit).toBeTypeOf('string');
    expect(defaults.noValue).toBe('unknown');
    for (const { properties } of overrides) {
      expect(properties.find(({ id }) => id === 'unit')?.value).toBeTypeOf('string');
      expect(properties.some(({ id }) => id === 'noValue' || id === 'nullValueMode')).toBe(false);
    }
  });

  test.each(panels)('$name draws no line, and keeps no figure, where nothing is known', ({ panel }) => {
    if (panel.type === 'timeseries' || panel.type === 'state-timeline') {
      expect(panel.fieldConfig!.defaults.custom!.spanNulls).toBe(false);
    }
    // The last value, not the last that was known.
    if (panel.type === 'stat') expect(panel.options!.reduceOptions!.calcs).toEqual(['last']);
    for (const { expr = '' } of panel.targets ?? []) expect(expr).not.toMatch(/vector\(0\)|absent|or 0/);
    // "replaceNull", "convertFieldType" and their like could turn unknown into 0.
    const known = ['organize', 'partitionByValues'];
    for (const { id } of panel.transformations ?? []) expect(known).toContain(id);
    expect(panel.targets!.length).toBeGreaterThan(0);
  });
});

/** What is exported by others, and used here or in the rules. */
const exporters = new Set([
  'up',
  'node_filesystem_avail_bytes',
  'node_filesystem_size_bytes',
  'node_filesystem_readonly',
  ...readFileSync('src/sinks/metrics.ts', 'utf8').match(/\bpublisher_\w+/g)!,
  // By node_exporter, from the files that backups leave.
  ...readFileSync('src/backup/metrics.ts', 'utf8').match(/\bgateway_backup_\w+/g)!,
  // Compared with what the exporter says in test/docker/postgres-exporter.test.ts.
  ...ofPostgresExporter,
  ...ofStatements,
]);

const functions = new Set(
  'sum by max min rate increase histogram_quantile count on le time absent and unless or job'.split(' '),
);

/** Every name of a metric in an expression. */
function metricsIn(expression: string): string[] {
  const bare = expression
    .replaceAll(/\{[^}]*\}/g, '')
    .replaceAll(/\[[^\]]*\]/g, '')
    .replaceAll(/"[^"]*"/g, '')
    .replaceAll(/\b(?:by|on) \([^)]*\)/g, '');
  return [...bare.matchAll(/[a-zA-Z_:][\w:]*/g)].map(([name]) => name).filter((name) => !functions.has(name));
}

describe('the queries to Prometheus', () => {
  const expressions = queries.flatMap(({ name, target }) =>
    target.expr ? [{ name, expr: target.expr }] : [],
  );
  const rules = globSync('docker/prometheus/rules/*.yml').map((file) => readFileSync(file, 'utf8'));

  test.skipIf(!hasPromtool)(`can be parsed, all of it${promtoolNote}`, () => {
    const asRules = (list: readonly string[]) =>
      JSON.stringify({
        groups: [
          {
            name: 'dashboards',
            rules: list.map((expr, index) => ({
              record: `dashboard:expression:${index}`,
              expr: expr.replaceAll('$__rate_interval', '5m'),
            })),
          },
        ],
      });
    expect(expressions.length).toBeGreaterThan(20);
    const folder = mkdtempSync(join(tmpdir(), 'cdr-expressions-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const check = (list: readonly string[]) => {
      writeFileSync(join(folder, 'rules.json'), asRules(list));
      return promtool(['check', 'rules', join(folder, 'rules.json')]);
    };
    const { status, output } = check(expressions.map(({ expr }) => expr));
    expect(status, output).toBe(0);
    expect(check(['sum(rate(gateway_graphql_requests_total[5m]']).status).not.toBe(0);
  });

  test('is exported by us, by a known exporter, or recorded by a rule', async () => {
    const status = aReplicaStatus();
    const { route } = createMetrics({
      replicas: {
        snapshot: () => ({ status: 'OK', asOf: null, replicas: [status], primary: null, sources: [] }),
      },
      schema,
      build: { version: '1' },
    });
    const text = await (await createRouter([route])(new Request('http://gateway/metrics'))).text();
    const ours = new Set(
      [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].flatMap(([, name, type]) =>
        type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name!],
      ),
    );
    const recorded = new Set(
      rules.flatMap((rule) => [...rule.matchAll(/- record: (\S+)/g)].map((found) => found[1]!)),
    );
    const ofRules = rules.flatMap((rule) =>
      [...rule.matchAll(/expr: (?:>-\n((?: {10}.*\n)+)|(.*)\n)/g)].map((found, index) => ({
        name: `rule ${index}`,
        expr: (found[1] ?? found[2])!,
      })),
    );
    expect(ofRules.length).toBeGreaterThan(15);
    for (const { name, expr } of [...expressions, ...ofRules]) {
      expect(metricsIn(expr).length, expr).toBeGreaterThan(0);
      for (const metric of metricsIn(expr)) {
        const isKnown = ours.has(metric) || exporters.has(metric) || recorded.has(metric);
        expect(isKnown, `${metric} in ${name}`).toBe(true);
      }
    }
  });
});

describe('the queries to the gateway', () => {
  let database: TestDatabase;
  let graphql: TestGateway;
  let grafana: GrafanaGateway;

  beforeAll(async () => {
    database = await createTestDatabase();
    await database.insertAccounts([anAccount()]);
    await database.insertXdrs([
      anXdr({ connect_time: '2026-01-05 09:00:00+00' }),
      ...Array.from({ length: 120 }, (_, second) =>
        aFailedXdr({
          connect_time: `2026-01-05 10:0${Math.floor(second / 60)}:${String(second % 60).padStart(2, '0')}+00`,
        }),
      ),
    ]);
    graphql = await createTestGateway(database);
    grafana = await createGrafanaGateway(database.replicaUrls);
  });
  afterAll(async () => {
    await graphql[Symbol.asyncDispose]();
    await grafana[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const infinity = queries.filter(({ target }) => target.datasource.uid === `\${gateway}`);
  const inGraphql = infinity.filter(({ target }) => target.type === 'graphql');
  const inRows = infinity.filter(({ target }) => target.type === 'json');
  const inJson = queries.filter(({ target }) => target.datasource.uid === `\${json}`);

  test('is all read by the server of Infinity: its reader in the browser turns unknown into text', () => {
    for (const { target } of infinity) expect(target.parser).toBe('backend');
    expect([inGraphql.length, inRows.length, inJson.length].every((count) => count > 5)).toBe(true);
  });

  test.each(inGraphql)('$name fits the schema, and has a row with every column', async ({ target }) => {
    const query = filledIn(target.url_options!.body_graphql_query!);
    expect(query).not.toContain('$');
    expect(validate(schema, parse(query)).map(({ message }) => message)).toEqual([]);
    const { data, errors } = await graphql.query(query);
    expect(errors).toBeUndefined();
    const root = at({ data }, target.root_selector!);
    const [row] = Array.isArray(root) ? root : [root];
    checkColumns(target, row);
  });

  test.each(inGraphql)('$name means every call when nothing is chosen', async ({ target }) => {
    const query = filledIn(target.url_options!.body_graphql_query!.replaceAll(/\$\{\w+:json\}/g, 'null'));
    expect((await graphql.query(query)).errors).toBeUndefined();
  });

  test.each(inRows)('$name is answered with rows that have every column', async ({ target }) => {
    const isOfCalls = target.url!.includes('/values');
    const span = isOfCalls ? {} : { from: Date.now() - 3_600_000, to: Date.now() + 1000 };
    const url = filledIn(target.url!, span);
    expect(url).not.toContain('$');
    const { status, body } = await grafana.get(url.replace('/grafana', ''));
    expect(status).toBe(200);
    checkColumns(target, body.at(-1));
  });

  test.each(inJson)('$name is a metric of the JSON datasource, and is answered', async ({ target }) => {
    expect(grafanaMetrics.map(({ value }) => value)).toContain(target.target);
    const { status, body } = await grafana.post('/query', {
      range: { from: new Date(FROM).toISOString(), to: new Date(Date.now() + 1000).toISOString() },
      targets: [{ ...target, payload: JSON.parse(filledIn(target.payload!)) }],
    });
    expect(status).toBe(200);
    expect(body.length).toBeGreaterThan(0);
  });

  test.each(panels.filter(({ panel }) => panel.type === 'table' && panel.title === 'Standbys now'))(
    '$name names no column that is not there',
    async ({ panel }) => {
      const { body } = await grafana.post('/query', {
        range: { from: new Date(FROM).toISOString(), to: new Date(Date.now() + 1000).toISOString() },
        targets: [{ refId: 'A', target: 'replication_status' }],
      });
      const [target] = panel.targets!;
      const names = target!.columns
        ? target!.columns.map(({ text }) => text)
        : body[0].schema.fields.map(({ name }: { name: string }) => name);
      for (const { matcher } of panel.fieldConfig!.overrides) expect(names).toContain(matcher.options);
    },
  );

  function checkColumns(target: Target, row: unknown): void {
    expect(row).toBeTypeOf('object');
    for (const { selector, type } of target.columns!) {
      const value = at(row, selector);
      expect(value, selector).not.toBeUndefined();
      if (value === null) continue;
      if (type === 'number') expect(Number.isFinite(Number(value)), selector).toBe(true);
      if (type === 'timestamp') expect(value, selector).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      if (type === 'timestamp_epoch') expect(value, selector).toBeTypeOf('number');
      if (type === 'boolean') expect(value, selector).toBeTypeOf('boolean');
    }
  }
});

/** `data.cdrStats.rows` of an object. */
function at(value: unknown, path: string): unknown {
  return path.split('.').reduce((inner, name) => (inner as Record<string, unknown> | null)?.[name], value);
}

test('secrets of the data sources come from files, and none is written down', () => {
  const text = readFileSync('docker/grafana/provisioning/datasources/cdr-gateway.yml', 'utf8');
  const secrets = [...text.matchAll(/secureJsonData:\n((?: {6}.*\n)+)/g)].map((found) => found[1]!);
  expect(secrets.length).toBe(2);
  for (const secret of secrets) expect(secret).toMatch(/\$__file\{\/run\/secrets\/[\w-]+\}\n$/);
});
