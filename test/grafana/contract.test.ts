import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { choices } from '../../src/grafana/call-query.ts';
import { metrics } from '../../src/grafana/metric-list.ts';
import { tagKeys } from '../../src/grafana/variables.ts';
import { aFailedXdr, anAccount, anXdr } from '../support/builders.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { formatValue, grafanaDataNote, hasGrafanaData, toDataFrame } from './data-frames.ts';
import { captured, createGrafanaGateway, type GrafanaGateway } from './grafana-gateway.ts';

let database: TestDatabase;
let gateway: GrafanaGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertAccounts([anAccount()]);
  const connect_time = new Date(Date.now() - 600_000).toISOString();
  await database.insertXdrs([anXdr({ connect_time }), aFailedXdr({ connect_time, country: null })]);
  gateway = await createGrafanaGateway(database.replicaUrls);
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** The bytes the plugin sends to a path. */
const bytesFor = (path: string): string =>
  captured.simpod_0_6.find((request) => request.path === path)!.body!;

/** The captured request, about the hour that has just been. */
const recentRequest = (target: string, payload: object = {}) => {
  const queryRequest = JSON.parse(bytesFor('/query'));
  const from = new Date(Date.now() - 3_600_000).toISOString();
  const to = new Date(Date.now() + 1000).toISOString();
  return {
    ...queryRequest,
    range: { ...queryRequest.range, from, to },
    filters: [],
    targets: [{ ...queryRequest.targets[0], target, payload }],
  };
};

describe('what the JSON datasource sends', () => {
  test('"Save & test" succeeds: the status is 200 and no other', async () => {
    for (const path of ['', '/']) {
      const { status, body } = await gateway.get(path);
      expect([status, body]).toEqual([200, { message: expect.any(String), replication: expect.any(String) }]);
    }
  });

  test('"Save & test" fails with a token that we do not know, and says why', async () => {
    const { status, headers, body } = await gateway.get('', 'not-one-of-our-tokens');
    expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect(body).toEqual({
      message: 'This token is not known here.',
      error: { code: 'UNAUTHENTICATED', message: 'This token is not known here.' },
    });
  });

  test.each(['body', 'body_first_open'] as const)(
    '/metrics lists every metric to a request with %s',
    async (which) => {
      const request = captured.simpod_0_6.find(({ path }) => path === '/metrics')!;
      const { status, body } = await gateway.post('/metrics', request[which]!);
      expect(status).toBe(200);
      expect(body).toEqual(metrics);
      expect(body.map(({ value }: { value: string }) => value)).toContain('replication_lag_seconds');
      for (const { label, payloads } of body) {
        expect(label).toBeTypeOf('string');
        for (const { name, type } of payloads) {
          expect(name).toBeTypeOf('string');
          expect(['select', 'multi-select', 'input', 'textarea']).toContain(type);
        }
      }
    },
  );

  test('/metric-payload-options lists the standbys', async () => {
    const { status, body } = await gateway.post(
      '/metric-payload-options',
      bytesFor('/metric-payload-options'),
    );
    expect([status, body]).toEqual([
      200,
      [
        { label: 'replica-a', value: 'replica-a' },
        { label: 'replica-b', value: 'replica-b' },
      ],
    ]);
  });

  test('/metric-payload-options lists what every select of every metric may be', async () => {
    for (const { value: metric, payloads } of metrics) {
      for (const { name } of payloads.filter(({ type }) => type !== 'input')) {
        const { status, body } = await gateway.post('/metric-payload-options', { metric, payload: {}, name });
        expect(status, `${metric} ${name}`).toBe(200);
        expect(body.length, `${metric} ${name}`).toBeGreaterThan(0);
        for (const option of body) {
          expect(option).toEqual({ label: expect.any(String), value: expect.any(String) });
        }
      }
    }
  });

  test('/query answers a list, with the refId of the target on each element', async () => {
    const { status, headers, body } = await gateway.post('/query', bytesFor('/query'));
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
    expect(body).toHaveLength(1);
    expect(body[0].schema).toMatchObject({ refId: 'A', name: 'replica-a' });
  });

  test('/query of a panel without queries is an empty list', async () => {
    const { range } = JSON.parse(bytesFor('/query'));
    expect((await gateway.post('/query', { range, targets: [] })).body).toEqual([]);
  });

  test('/variable answers text and value in the only shape the plugin takes both from', async () => {
    const { status, body } = await gateway.post('/variable', bytesFor('/variable'));
    expect([status, body]).toEqual([
      200,
      [
        { __text: 'replica-a', __value: 'replica-a' },
        { __text: 'replica-b', __value: 'replica-b' },
      ],
    ]);
  });

  test.each([
    ['accounts', [{ __text: 'acme-dialler (14)', __value: '14' }]],
    ['customers', [{ __text: '3', __value: '3' }]],
    ['countries', [{ __text: 'United Kingdom', __value: 'United Kingdom' }]],
    [
      'causes',
      [
        { __text: '16', __value: '16' },
        { __text: '17', __value: '17' },
      ],
    ],
    [
      'outcomes',
      [
        { __text: 'ANSWERED', __value: 'ANSWERED' },
        { __text: 'BUSY', __value: 'BUSY' },
      ],
    ],
  ])('/variable finds the %s of the time range', async (target, expected) => {
    const { range } = recentRequest('replication_up');
    const { body } = await gateway.post('/variable', { payload: { target }, range });
    expect(body).toEqual(expected);
    // Without a range, those of the last day.
    expect((await gateway.post('/variable', { payload: { target } })).body).toEqual(expected);
    const longAgo = { from: '2020-01-01T00:00:00.000Z', to: '2020-01-02T00:00:00.000Z' };
    expect((await gateway.post('/variable', { payload: { target }, range: longAgo })).body).toEqual([]);
  });

  test.each(['buckets', 'dimensions', 'measures'])(
    '/variable lists %s, which never change',
    async (target) => {
      const { status, body } = await gateway.post('/variable', { payload: { target } });
      expect(status).toBe(200);
      expect(body[0]).toEqual({ __text: expect.any(String), __value: expect.any(String) });
    },
  );

  test('the handbook names every metric, payload field, variable and filter', () => {
    const handbook = readFileSync('docs/monitoring.md', 'utf8');
    const names = [
      ...metrics.flatMap(({ value, payloads }) => [value, ...payloads.map(({ name }) => name)]),
      ...choices.map(({ variable }) => variable),
      ...tagKeys,
    ];
    expect(names.length).toBeGreaterThan(50);
    expect(names.filter((name) => !handbook.includes(`\`${name}\``))).toEqual([]);
  });

  test('/tag-keys and /tag-values offer filters to the bytes of old and new Grafana', async () => {
    const keys = await gateway.post('/tag-keys', bytesFor('/tag-keys'));
    expect(keys.body).toEqual(
      ['replica', 'account', 'customer', 'country', 'region', 'prefix', 'cause', 'release', 'outcome'].map(
        (text) => ({
          type: 'string',
          text,
        }),
      ),
    );
    const values = await gateway.post('/tag-values', bytesFor('/tag-values'));
    expect(values.body).toEqual([{ text: 'replica-a' }, { text: 'replica-b' }]);
    const { range } = recentRequest('replication_up');
    for (const { text: key } of keys.body) {
      const newer = { key, filters: [], timeRange: range, queries: [] };
      const { status, body } = await gateway.post('/tag-values', newer);
      expect([status, body.length > 0], key).toEqual([200, true]);
    }
  });

  test('values to choose from are flat rows too, for whatever reads JSON over GET', async () => {
    const { from, to } = recentRequest('replication_up').range;
    const span = `from=${Date.parse(from)}&to=${Date.parse(to)}`;
    expect((await gateway.get(`/values?key=account&${span}`)).body).toEqual([
      { text: 'acme-dialler (14)', value: '14' },
    ]);
    expect((await gateway.get('/values?key=replica')).body).toHaveLength(2);
    const { status, body } = await gateway.get('/values?key=carrier');
    expect([status, body.message]).toEqual([400, expect.stringContaining('"key" must be one of replica')]);
    expect((await gateway.get('/values?kind=account')).status).toBe(400);
  });

  test('/search is the older name of /metrics, and of variables', async () => {
    const all = await gateway.post('/search', { target: '' });
    expect(all.body).toEqual(metrics.map(({ value }) => value));
    const some = await gateway.post('/search', { type: 'timeseries', target: 'lag_sec' });
    expect(some.body).toEqual(['replication_lag_seconds']);
    const replicas = await gateway.post('/search', { target: 'replicas' });
    expect(replicas.body).toEqual([
      { text: 'replica-a', value: 'replica-a' },
      { text: 'replica-b', value: 'replica-b' },
    ]);
  });

  test('a query of the oldest lines has its payload under another name, and may have none', async () => {
    const queryRequest = recentRequest('replication_up');
    for (const [data, count] of [
      ['', 2],
      [{ replica: 'replica-b' }, 1],
    ] as const) {
      const { payload: _, ...target } = queryRequest.targets[0];
      const { body } = await gateway.post('/query', {
        ...queryRequest,
        targets: [{ ...target, type: 'timeseries', data }],
      });
      expect(body).toHaveLength(count);
    }
  });

  test('is in the log with principal, status and code, and without its payload', async () => {
    await gateway.post('/query', { ...recentRequest('nothing_of_ours') });
    const line = gateway.logged.filter(({ msg }) => msg === 'request').at(-1);
    expect(line).toMatchObject({
      path: '/grafana/query',
      outcome: 'invalid',
      status: 400,
      codes: ['INVALID_ARGUMENT'],
      principal: 'admin',
    });
    expect(JSON.stringify(line)).not.toContain('nothing_of_ours');
  });
});

describe('what is wrong with a request', () => {
  const range = { from: '2026-01-05T09:00:00.000Z', to: '2026-01-05T10:00:00.000Z' };
  const targets = [{ refId: 'A', target: 'replication_up' }];
  const call = (payload: unknown, target = 'calls_attempts') => ({
    range,
    targets: [{ refId: 'A', target, payload }],
  });

  test.each([
    ['/query', '{', 'not JSON'],
    ['/query', '[]', 'must be a JSON object'],
    ['/query', { targets }, '"range" must be an object'],
    ['/query', { range: 'now-1h', targets }, '"range" must be an object'],
    ['/query', { range: { from: 'now-1h', to: 'now' }, targets }, '"range.from" must be a time'],
    ['/query', { range: { from: range.from, to: null }, targets }, '"range.to" must be a time'],
    ['/query', { range: { from: range.to, to: range.from }, targets }, 'must be before'],
    ['/query', { range: { from: range.from, to: range.from }, targets }, 'must be before'],
    [
      '/query',
      { range: { from: '0000-01-05T09:00:00.000Z', to: range.to }, targets },
      'between 1970 and 2200',
    ],
    ['/query', { range: { from: -5, to: 1e300 }, targets }, 'between 1970 and 2200'],
    ['/query', { range }, '"targets" must be a list'],
    ['/query', { range, targets: [7] }, 'must be an object'],
    ['/query', { range, targets: [{ refId: 'A' }] }, 'Query A: choose a metric'],
    [
      '/query',
      { range, targets: [{ refId: 'A', target: '(calls_attempts|calls_failed)' }] },
      'Query A: choose one metric, not several',
    ],
    ['/query', { range, targets: Array(51).fill(targets[0]) }, 'at most 50 queries'],
    [
      '/query',
      { range, targets: [{ refId: 'A', target: 'replication_lag' }] },
      'There is no metric "replication_lag"',
    ],
    [
      '/query',
      { range, targets: [{ refId: 'A', target: 'constructor' }] },
      'There is no metric "constructor"',
    ],
    ['/query', call('replica-a'), 'the payload must be a JSON object'],
    ['/query', call(['replica-a']), 'the payload must be a JSON object'],
    [
      '/query',
      call({ replica: 'replica-z' }, 'replication_up'),
      'There is no replica "replica-z". There are: replica-a, replica-b.',
    ],
    [
      '/query',
      call({ replica: { name: 'x' } }, 'replication_up'),
      'payload.replica must be a text or a list of texts',
    ],
    [
      '/query',
      call({ accuont: '14' }),
      'Query A: calls_attempts has no payload field "accuont". Did you mean "account"? There are: bucket, groupBy',
    ],
    ['/query', call({ groupby: 'ACCOUNT' }), 'no payload field "groupby". Did you mean "groupBy"?'],
    ['/query', call({ orderBy: 'attempts' }), 'calls_attempts has no payload field "orderBy".'],
    ['/query', call({ replica: 'replica-a' }), 'calls_attempts has no payload field "replica".'],
    ['/query', call({ filter: null }), 'no payload field "filter".'],
    ['/query', call({ account: { ids: ['14'] } }), 'there is no "account.ids"'],
    ['/query', call({ replicas: [] }, 'replication_up'), 'Did you mean "replica"? There are: replica.'],
    ['/query', call({ replica: 'replica-a' }, 'replication_health'), 'It takes none.'],
    [
      '/query',
      { ...call({}), filters: [{ key: 'contry', operator: '=', value: 'x' }] },
      'Did you mean "country"?',
    ],
    [
      '/query',
      call({ cld: Array.from({ length: 21 }, (_, n) => `33${n}`) }),
      'payload.cld may hold at most 20',
    ],
    [
      '/query',
      { range, targets: [{ refId: 'A', target: 'calls_attempt' }] },
      'Did you mean "calls_attempts"?',
    ],
    ['/variable', { payload: { target: 'acounts' } }, 'Did you mean "accounts"?'],
    ['/variable', { payload: { target: 'accounts', region: 'x', contry: 'y' } }, 'Did you mean "country"?'],
    ['/variable', { payload: { target: 'buckets', country: 'x' } }, 'has no payload field "country"'],
    ['/query', call({ bucket: 'FORTNIGHT' }), 'payload.bucket must be one of AUTO, '],
    ['/query', call({ bucket: {} }), 'payload.bucket must be a text'],
    ['/query', call({ groupBy: 'SWITCH' }), 'payload.groupBy must be one of NONE, ACCOUNT'],
    ['/query', call({ timeZone: ['UTC', 'Europe/Paris'] }), 'payload.timeZone must be a text: it takes one'],
    ['/query', call({ groupBy: 'CLD', top: 21 }), 'payload.top must be a whole number from 1 to 20'],
    ['/query', call({ top: 0 }), 'payload.top must be a whole number from 1 to 100'],
    ['/query', call({ top: 'many' }), 'payload.top must be a whole number'],
    ['/query', call({ orderBy: 'fun' }, 'calls_table'), 'payload.orderBy must be one of attempts'],
    ['/query', call({ account: 'acme' }), 'is not an id'],
    ['/query', call({ cause: 'busy' }), 'A disconnect cause is a whole number'],
    ['/query', call({ outcome: 'LOST' }), 'An outcome is one of ANSWERED'],
    ['/query', call({ account: Array(1001).fill('1') }), 'at most 1000 values'],
    ['/query', call({ timeZone: 'Mars/Olympus' }), 'is not an IANA time zone'],
    ['/query', { ...call({}), timezone: 'Mars/Olympus' }, 'is not an IANA time zone'],
    [
      '/query',
      { ...call({ bucket: 'HOUR' }), range: { from: '1999-01-01T00:00:00Z', to: range.to } },
      'more than 11000 points; choose a longer bucket than HOUR',
    ],
    ['/query', { ...call({}), filters: 'country' }, '"filters" must be a list'],
    ['/query', { ...call({}), filters: [{}] }, 'Every filter needs a "key"'],
    [
      '/query',
      { ...call({}), filters: [{ key: 'country', operator: '<', value: '5' }] },
      'use one of the operators = != =| !=| =~ !~',
    ],
    [
      '/query',
      { ...call({}), filters: [{ key: 'country', operator: '=~', value: '(a' }] },
      'Filter "country": the regular expression "(a" cannot be read: a bracket is not closed',
    ],
    [
      '/query',
      { ...call({}), filters: [{ key: 'cause', operator: '!=', value: 'busy' }] },
      'A disconnect cause is a whole number',
    ],
    [
      '/query',
      { ...call({}), filters: [{ key: 'country', operator: '=', value: 7 }] },
      'its value must be a text',
    ],
    [
      '/variable',
      { payload: { target: 'carriers' } },
      'There is no variable "carriers". There are: replicas',
    ],
    ['/variable', { payload: 'replicas' }, 'There is no variable ""'],
    ['/variable', { payload: { target: 'accounts' }, range: { from: 'x', to: 'y' } }, 'range.from'],
    ['/metric-payload-options', { metric: 'nothing', name: 'replica' }, 'There is no metric "nothing"'],
    [
      '/metric-payload-options',
      { metric: 'replication_up', name: 'colour' },
      'has no payload field of that name',
    ],
    ['/tag-values', { key: 'carrier' }, '"key" must be one of replica'],
    ['/tag-values', {}, '"key" must be one of replica'],
    ['/annotations', { annotation: {} }, '"range" must be an object'],
    ['/annotations', { annotation: { query: 'replica-z' }, range }, 'There is no replica "replica-z"'],
  ])('%s %j is told with 400 and a sentence: %s', async (path, body, words) => {
    const answer = await gateway.post(path, body);
    expect(answer).toMatchObject({ status: 400 });
    expect(answer.body.message).toContain(words);
    expect(answer.body.error).toEqual({ code: expect.any(String), message: answer.body.message });
  });

  test('a path or a method that is not part of the contract is told so', async () => {
    expect((await gateway.post('/constructor', {})).status).toBe(404);
    expect((await gateway.post('/query/more', {})).status).toBe(404);
    const { status, headers } = await gateway.get('/query');
    expect([status, headers.get('allow')]).toEqual([405, 'POST']);
    expect((await gateway.post('/history', {})).status).toBe(405);
  });

  test.each(['/query', '/metrics', '/variable', '/search', '/annotations', '/tag-keys'])(
    '%s without a token we know is refused before anything is read',
    async (path) => {
      expect((await gateway.post(path, '{', 'not-one-of-our-tokens')).status).toBe(401);
    },
  );
});

describe.skipIf(!hasGrafanaData)(`what Grafana makes of the answers${grafanaDataNote}`, () => {
  test.each(metrics.map(({ value }) => value))(
    '%s is a data frame with a value for every row',
    async (metric) => {
      const { body } = await gateway.post(
        '/query',
        recentRequest(metric, metric.startsWith('calls') ? { groupBy: 'COUNTRY' } : {}),
      );
      expect(body.length).toBeGreaterThan(0);
      for (const element of body) {
        const frame = toDataFrame(element);
        expect(frame.refId).toBe('A');
        expect(frame.length).toBeGreaterThan(0);
        expect(frame.fields.map(({ type }) => type)).toEqual(
          element.schema.fields.map(({ type }: { type: string }) => type),
        );
        for (const [index, field] of frame.fields.entries()) {
          expect(field.values).toEqual(element.data.values[index]);
          for (const value of field.values) {
            if (value === null) continue;
            expect(value, field.name).toBeTypeOf(field.type === 'time' ? 'number' : (field.type as 'string'));
          }
        }
      }
    },
  );

  test('a line keeps its labels, its unit and its unknowns', async () => {
    const { body } = await gateway.post('/query', recentRequest('replication_lag_seconds'));
    const [, value] = toDataFrame(body[0]).fields;
    expect(value).toMatchObject({
      labels: { replica: 'replica-a' },
      config: { unit: 's', displayNameFromDS: 'replica-a' },
    });
    expect(value!.values[0]).toBeNull();
  });

  test('minutes are minutes, however many', async () => {
    const unitOf = (frame: ReturnType<typeof toDataFrame>, name: string) =>
      String(frame.fields.find((field) => field.name === name)!.config.unit);
    for (const [metric, field] of [
      ['calls_minutes', 'Value'],
      ['calls_billed_minutes', 'Value'],
      ['calls_table', 'minutes'],
      ['calls_table', 'billed_minutes'],
    ] as const) {
      const { body } = await gateway.post('/query', recentRequest(metric));
      const unit = unitOf(toDataFrame(body[0]), field);
      expect([19_850, 0.5, 1_234_567.89].map((value) => formatValue(unit, value))).toEqual([
        '19,850 min',
        '0.5 min',
        '1,234,567.9 min',
      ]);
    }
  });

  test('what was left out is a notice of the frame', async () => {
    const { body } = await gateway.post('/query', recentRequest('calls_attempts', { groupBy: 'COUNTRY' }));
    expect(toDataFrame(body[0]).meta!.notices![0]!.text).toContain('not drawn');
  });

  test('the values of a variable are fields of text and value', async () => {
    const { body } = await gateway.post('/variable', bytesFor('/variable'));
    expect(toDataFrame(body).fields.map(({ name }) => name)).toEqual(['__text', '__value']);
  });
});
