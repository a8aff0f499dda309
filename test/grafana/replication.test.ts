import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Frame } from '../../src/grafana/frames.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { createGrafanaGateway, type GrafanaGateway } from './grafana-gateway.ts';

let database: TestDatabase;
let gateway: GrafanaGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await createGrafanaGateway(database.replicaUrls);
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const lastHour = () => ({
  range: {
    from: new Date(Date.now() - 3_600_000).toISOString(),
    to: new Date(Date.now() + 60_000).toISOString(),
  },
  intervalMs: 15_000,
  maxDataPoints: 240,
});

/** The last value of each line, by the line's name. */
const lastValues = (frames: readonly Frame[]) =>
  Object.fromEntries(frames.map(({ schema, data }) => [schema.name, data.values[1]!.at(-1)]));

const rowsOf = ({ schema, data }: Frame) =>
  data.values[0]!.map((_, row) =>
    Object.fromEntries(schema.fields.map(({ name }, column) => [name, data.values[column]![row]])),
  );

describe('replication as metrics', () => {
  test('is a line for each standby, with its unit and label, from the first sample on', async () => {
    const frames = await gateway.frames('replication_lag_seconds', {}, lastHour());
    expect(frames.map(({ schema }) => schema)).toEqual(
      ['replica-a', 'replica-b'].map((replica) => ({
        refId: 'A',
        name: replica,
        fields: [
          { name: 'Time', type: 'time' },
          {
            name: 'Value',
            type: 'number',
            labels: { replica },
            config: { displayNameFromDS: replica, unit: 's' },
          },
        ],
      })),
    );
    for (const lag of Object.values(lastValues(frames))) expect(lag).toBeTypeOf('number');
  });

  test('has no point for the time before anybody sampled: null, not 0', async () => {
    const [frame] = await gateway.frames('replication_lag_seconds', { replica: 'replica-a' }, lastHour());
    const [times, values] = frame!.data.values;
    expect(times!.length).toBeGreaterThan(200);
    expect(values!.slice(0, 100)).toEqual(Array(100).fill(null));
  });

  test.each([
    ['replication_state', 'STREAMING'],
    // Nobody writes here, so the primary is heard of seldom, and without its URL messages alone are little to go by.
    ['replication_confidence', expect.stringMatching(/^(HIGH|MEDIUM|LOW)$/)],
    ['replication_up', 1],
    ['replication_streaming', 1],
    ['replication_timeline', 1],
    ['replication_lag_bytes', expect.any(Number)],
    ['replication_staleness_min_seconds', expect.any(Number)],
    ['replication_received_bytes', expect.any(Number)],
    ['replication_replayed_bytes', expect.any(Number)],
    ['replication_upstream_bytes', expect.any(Number)],
  ])('has each field of a sample: %s', async (metric, value) => {
    await expect
      .poll(async () => lastValues(await gateway.frames(metric, { replica: 'replica-b' }, lastHour())))
      .toEqual({ 'replica-b': value });
  });

  test.each([
    ['a name', 'replica-b', ['replica-b']],
    ['a list', ['replica-b', 'replica-a'], ['replica-a', 'replica-b']],
    ['a variable with two values in the builder', '(replica-a|replica-b)', ['replica-a', 'replica-b']],
    ['a variable with two values in other formats', '{replica-b}', ['replica-b']],
    ['a name as the plugin puts it into a regular expression', 'replica\\-b', ['replica-b']],
    ['All', '$__all', ['replica-a', 'replica-b']],
    ['nothing', '', ['replica-a', 'replica-b']],
  ])('shows the replicas that the payload names: %s', async (_, replica, names) => {
    const frames = await gateway.frames('replication_lag_seconds', { replica }, lastHour());
    expect(frames.map(({ schema }) => schema.name)).toEqual(names);
  });

  test.each([
    [{ key: 'replica', operator: '=', value: 'replica-a' }, ['replica-a']],
    [{ key: 'replica', operator: '!=', value: 'replica-a' }, ['replica-b']],
    [{ key: 'replica', operator: '=~', value: '.*-b' }, ['replica-b']],
    [{ key: 'replica', operator: '!~', value: '.*-(b|c)' }, ['replica-a']],
    [{ key: 'replica', operator: '=~', value: 'replica' }, []],
    [
      { key: 'replica', operator: '=|', value: 'x', values: ['replica-a', 'replica-b'] },
      ['replica-a', 'replica-b'],
    ],
    [{ key: 'replica', operator: '!=|', values: ['replica-a', 'replica-b'] }, []],
    [{ key: 'country', operator: '=', value: 'France' }, ['replica-a', 'replica-b']],
  ])('obeys the ad hoc filter %j, and leaves those of calls to calls', async (filter, names) => {
    for (const field of ['filters', 'adhocFilters']) {
      const frames = await gateway.frames('replication_up', {}, { ...lastHour(), [field]: [filter] });
      expect(frames.map(({ schema }) => schema.name)).toEqual(names);
    }
  });

  test('is a table of now, and a row for all standbys together', async () => {
    let row: ReturnType<typeof rowsOf>[number] | undefined;
    const readRow = async () => {
      const [frame] = await gateway.frames('replication_status', { replica: 'replica-a' }, lastHour());
      [row] = rowsOf(frame!);
      return row;
    };
    // On a busy machine it may be some kilobytes behind for a moment.
    await expect.poll(readRow, { timeout: 10_000 }).toMatchObject({
      replica: 'replica-a',
      state: 'STREAMING',
      reason: expect.toBeOneOf([null, expect.stringContaining('PRIMARY_URL')]),
      lag_is_lower_bound: expect.any(Boolean),
      read_from: true,
      conflicts: expect.any(Number),
      replayed_lsn: expect.stringMatching(/^[0-9A-F]+\/[0-9A-F]+$/),
    });
    expect(Math.abs(Number(row!.sampled_at) - Date.now())).toBeLessThan(60_000);
    const [health] = rowsOf((await gateway.frames('replication_health', {}, lastHour()))[0]!);
    expect(health).toMatchObject({ replicas: 2, read_from: 2, worst_lag_seconds: expect.any(Number) });
  });

  test('keeps targets and their order, whatever their metrics', async () => {
    const { body } = await gateway.post('/query', {
      ...lastHour(),
      targets: [
        { refId: 'B', target: 'calls_attempts' },
        { refId: 'H', target: 'replication_up', hide: true },
        { refId: 'A', target: 'replication_up', payload: { replica: 'replica-b' } },
        { refId: 'C', target: 'calls_asr_percent' },
      ],
    });
    expect(body.map(({ schema }: Frame) => schema.refId)).toEqual(['B', 'A', 'C']);
  });
});

describe('changes of state as annotations', () => {
  test('begin with the moment the gateway began to watch', async () => {
    const frames = await gateway.frames('replication_changes', { replica: 'replica-a' }, lastHour());
    expect(frames[0]!.schema.fields.map(({ name }) => name)).toEqual([
      'time',
      'timeEnd',
      'title',
      'text',
      'tags',
    ]);
    expect(rowsOf(frames[0]!)[0]).toMatchObject({
      title: expect.stringMatching(/^replica-a: /),
      text: expect.stringContaining('The gateway began to watch it.'),
      tags: expect.stringMatching(/^replica-a,[A-Z_]+,(well|trouble)$/),
    });
  });

  test('are given to the oldest plugins at a path of their own', async () => {
    const annotation = {
      name: 'Replication',
      datasource: 'CDR',
      enable: true,
      iconColor: 'red',
      query: 'replica-b',
    };
    const { status, body } = await gateway.post('/annotations', {
      annotation,
      range: lastHour().range,
      rangeRaw: { from: 'now-1h', to: 'now' },
      variables: {},
    });
    expect(status).toBe(200);
    expect(body[0]).toMatchObject({
      annotation,
      time: expect.any(Number),
      tags: ['replica-b', expect.any(String), expect.any(String)],
    });
    expect(body.every(({ title }: { title: string }) => title.startsWith('replica-b'))).toBe(true);
  });
});

describe('history as flat rows', () => {
  test('has a row for each standby and interval, in the order of time', async () => {
    const from = Date.now() - 600_000;
    const { status, body } = await gateway.get(`/history?from=${from}&to=${Date.now() + 1}&points=20`);
    expect(status).toBe(200);
    expect(Object.keys(body[0])).toEqual([
      'time',
      'replica',
      'lagSeconds',
      'stalenessMinSeconds',
      'lagBytes',
      'receivedBytes',
      'replayedBytes',
      'upstreamBytes',
      'timeline',
      'up',
      'streaming',
      'state',
      'confidence',
    ]);
    const times = body.map(({ time }: { time: number }) => time);
    expect(times).toEqual(times.toSorted((a: number, b: number) => a - b));
    expect(
      body.filter(({ replica }: { replica: string }) => replica === 'replica-a').length,
    ).toBeLessThanOrEqual(22);
    // On a busy machine it may be some kilobytes behind.
    expect(body.at(-1)).toMatchObject({ state: expect.stringMatching(/^(STREAMING|CATCHING_UP)$/), up: 1 });
  });

  test('takes times as Grafana writes them, one replica, and the last hour when no time is given', async () => {
    const { from, to } = lastHour().range;
    const span = `from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`;
    const named = await gateway.get(`/history?${span}&replica=replica-b`);
    expect(new Set(named.body.map(({ replica }: { replica: string }) => replica))).toEqual(
      new Set(['replica-b']),
    );
    const { body } = await gateway.get('/history');
    expect(body.length).toBeGreaterThan(800);
    expect((await gateway.get('/changes')).body[0]).toMatchObject({ title: expect.any(String) });
  });

  test.each([
    ['/history?from=yesterday&to=2', 'range.from'],
    ['/history?from=5&to=2', 'before'],
    ['/history?replica=nobody', 'nobody'],
    ['/history?points=0', 'points'],
    ['/history?replicas=replica-a', 'There is no parameter "replicas"'],
    ['/changes?from=5', 'range.to'],
  ])('refuses %s with a sentence', async (path, words) => {
    const { status, body } = await gateway.get(path);
    expect(status).toBe(400);
    expect(body.message).toContain(words);
  });
});
