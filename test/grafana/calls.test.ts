import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Frame } from '../../src/grafana/frames.ts';
import { dayOf } from '../schema/local-time.ts';
import { aCustomer, aFailedXdr, anAccount, anXdr } from '../support/builders.ts';
import { ACCOUNT_TOKEN } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { createGrafanaGateway, type GrafanaGateway } from './grafana-gateway.ts';

let database: TestDatabase;
let gateway: GrafanaGateway;

const at = (time: string) => `2026-01-05 ${time}+00`;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertCustomers([aCustomer()]);
  await database.insertAccounts([anAccount(), anAccount({ i_account: '15', username: 'beta' })]);
  await database.insertXdrs([
    anXdr({
      connect_time: at('09:00:00'),
      duration: '60',
      charged_quantity: 60,
      charged_amount: '0.5',
      pdd: '2',
    }),
    anXdr({
      connect_time: at('09:59:59.999999'),
      duration: '30',
      charged_quantity: 60,
      charged_amount: '0.25',
      pdd: '1',
    }),
    aFailedXdr({ connect_time: at('09:30:00'), pdd: null }),
    aFailedXdr({ connect_time: at('11:15:00'), pdd: null, country: null, prefix: null, disconnect_cause: 1 }),
    anXdr({ connect_time: at('11:30:00'), i_account: '15', country: 'France', duration: '6', pdd: null }),
  ]);
  gateway = await createGrafanaGateway(database.replicaUrls);
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** From nine to noon, in hours. */
const morning = { range: { from: '2026-01-05T09:00:00.000Z', to: '2026-01-05T12:00:00.000Z' } };

/** Each line's points as text: "09:00 3". */
const linesOf = (frames: readonly Frame[]) =>
  Object.fromEntries(
    frames.map(({ schema, data: { values } }) => [
      schema.name,
      values[0]!.map(
        (time, index) => `${new Date(Number(time)).toISOString().slice(11, 16)} ${values[1]![index]}`,
      ),
    ]),
  );

const rowsOf = ({ schema, data }: Frame) =>
  data.values[0]!.map((_, row) =>
    Object.fromEntries(schema.fields.map(({ name }, column) => [name, data.values[column]![row]])),
  );

describe('statistics over time', () => {
  test.each([
    ['calls_attempts', 'Call attempts', ['09:00 3', '10:00 0', '11:00 2']],
    ['calls_answered', 'Answered calls', ['09:00 2', '10:00 0', '11:00 1']],
    ['calls_failed', 'Failed calls', ['09:00 1', '10:00 0', '11:00 1']],
    ['calls_asr_percent', 'ASR, answered of attempts', ['09:00 66.66666666666667', '10:00 null', '11:00 50']],
    ['calls_ner_percent', 'NER, network effectiveness', ['09:00 100', '10:00 null', '11:00 50']],
    ['calls_acd_seconds', 'ACD, average duration of answered calls', ['09:00 45', '10:00 null', '11:00 6']],
    [
      'calls_median_duration_seconds',
      'Median duration of answered calls',
      ['09:00 30', '10:00 null', '11:00 6'],
    ],
    ['calls_pdd_seconds', 'PDD, average post-dial delay', ['09:00 1.5', '10:00 null', '11:00 null']],
    [
      'calls_p95_pdd_seconds',
      'PDD that 95 % of calls do not exceed',
      ['09:00 2', '10:00 null', '11:00 null'],
    ],
    ['calls_minutes', 'Minutes', ['09:00 1.5', '10:00 0', '11:00 0.1']],
    ['calls_billed_minutes', 'Billed minutes', ['09:00 2', '10:00 0', '11:00 1.0166666666666666667']],
    [
      'calls_charged_amount',
      "Charged amount, in each account's own currency",
      ['09:00 0.75', '10:00 0', '11:00 0.0125'],
    ],
    ['calls_peak_calls_per_second', 'Peak call attempts per second', ['09:00 3', '10:00 0', '11:00 2']],
    ['calls_short', 'Answered calls of 6 seconds or less', ['09:00 0', '10:00 0', '11:00 1']],
  ])('%s: a count without calls is 0, and a ratio is unknown', async (metric, label, points) => {
    const lines = linesOf(await gateway.frames(metric, {}, morning));
    const rounded = points.map((point) => point.replace('1.0166666666666666667', String(61 / 60)));
    expect(lines).toEqual({ [label]: rounded });
  });

  test('show only the calls that the token may see', async () => {
    const ask = async (token?: string) => {
      const { body } = await gateway.post(
        '/query',
        {
          ...morning,
          targets: [{ refId: 'A', target: 'calls_attempts', payload: { account: ['14', '15'] } }],
        },
        token,
      );
      return linesOf(body);
    };
    expect(await ask()).toEqual({ 'Call attempts': ['09:00 3', '10:00 0', '11:00 2'] });
    expect(await ask(ACCOUNT_TOKEN)).toEqual({ 'Call attempts': ['09:00 3', '10:00 0', '11:00 1'] });
  });

  test('are of the range alone, and no point lies before it', async () => {
    const range = { from: '2026-01-05T09:45:00.000Z', to: '2026-01-05T11:20:00.000Z' };
    for (const bucket of ['HOUR', 'DAY', 'WEEK', 'MONTH']) {
      const [frame] = await gateway.frames('calls_attempts', { bucket }, { range });
      const [times, values] = frame!.data.values;
      expect({ bucket, sum: values!.reduce((sum: number, value) => sum + Number(value), 0) }).toEqual({
        bucket,
        sum: 2,
      });
      expect(times![0]).toBe(Date.parse(range.from));
      const [table] = await gateway.frames('calls_table', { bucket }, { range });
      const rows = rowsOf(table!);
      expect(rows.reduce((sum, { attempts }) => sum + Number(attempts), 0)).toBe(2);
      expect(rows[0]!.time).toBe(times![0]);
    }
    expect(linesOf(await gateway.frames('calls_attempts', {}, { range }))).toEqual({
      'Call attempts': ['09:45 1', '10:00 0', '11:00 1'],
    });
  });

  test.each([
    ['Atlantic/Azores', '2025-03-30'],
    ['America/Havana', '2025-03-09'],
    ['America/Santiago', '2025-09-07'],
    ['Asia/Beirut', '2026-03-29'],
  ])('have one point for each day in %s, where clocks change at midnight on %s', async (timeZone, day) => {
    const noon = Date.parse(`${day}T12:00:00Z`);
    const range = {
      from: new Date(noon - 3 * 86_400_000).toISOString(),
      to: new Date(noon + 3 * 86_400_000).toISOString(),
    };
    const [frame] = await gateway.frames('calls_attempts', { bucket: 'DAY', timeZone }, { range });
    const days = frame!.data.values[0]!.map((time) => dayOf(Number(time), timeZone));
    expect(days).toEqual([...new Set(days)]);
    expect(days).toContain(day);
    expect(days).toHaveLength(7);
  });

  test('say nothing of hours that have not been', async () => {
    const hour = 3_600_000;
    const range = {
      from: new Date(Date.now() - hour).toISOString(),
      to: new Date(Date.now() + 5 * hour).toISOString(),
    };
    const [frame] = await gateway.frames('calls_attempts', { bucket: 'HOUR' }, { range });
    expect(frame!.data.values[0]!.length).toBeLessThanOrEqual(2);
  });

  test.each([
    [{ bucket: 'day', timeZone: 'Europe/Paris' }, undefined, '2026-01-04T23:00:00.000Z'],
    [{ bucket: 'DAY', timeZone: 'Europe\\/Paris' }, undefined, '2026-01-04T23:00:00.000Z'],
    [{ bucket: 'DAY' }, 'Europe/Paris', '2026-01-04T23:00:00.000Z'],
    [{ bucket: 'DAY' }, 'browser', '2026-01-05T00:00:00.000Z'],
    [{ bucket: 'WEEK' }, 'utc', '2026-01-05T00:00:00.000Z'],
    [{ bucket: 'MONTH', timeZone: 'America/New_York' }, 'utc', '2026-01-01T05:00:00.000Z'],
    [{ bucket: 'HOUR', timeZone: 'Asia/Kolkata' }, undefined, '2026-01-05T08:30:00.000Z'],
    [{ bucket: 'QUARTER_HOUR', timeZone: 'Asia/Kolkata' }, undefined, '2026-01-05T08:30:00.000Z'],
    [{ bucket: 'MINUTE', timeZone: 'Asia/Kolkata' }, undefined, '2026-01-05T08:30:00.000Z'],
  ])(
    'are cut in the zone of the payload, else of the dashboard: %j in %s',
    async (payload, timezone, first) => {
      const range = { from: first, to: '2026-01-05T20:00:00.000Z' };
      const [frame] = await gateway.frames('calls_attempts', payload, { range, timezone });
      const [times, values] = frame!.data.values;
      // From the beginning of the bucket; a moment later it is cut.
      expect(new Date(Number(times![0])).toISOString()).toBe(first);
      const before = { ...range, from: new Date(Date.parse(first) - 1000).toISOString() };
      const [longer] = await gateway.frames('calls_attempts', payload, { range: before, timezone });
      expect(longer!.data.values[0]![1]).toBe(times![0]);
      expect(values!.reduce((sum: number, value) => sum + Number(value), 0)).toBe(5);
    },
  );

  test('take the shortest bucket that fits into the width of the panel', async () => {
    const month = { range: { from: '2026-01-01T00:00:00.000Z', to: '2026-01-31T00:00:00.000Z' } };
    const points = async (maxDataPoints: number) =>
      (await gateway.frames('calls_attempts', {}, { ...month, maxDataPoints }))[0]!.data.values[0]!.length;
    expect([await points(1000), await points(240), await points(20)]).toEqual([720, 30, 5]);
  });

  test('are a line for each value of a dimension, most calls first, and say which calls are left out', async () => {
    const frames = await gateway.frames('calls_attempts', { groupBy: 'COUNTRY' }, morning);
    expect(linesOf(frames)).toEqual({
      'United Kingdom': ['09:00 3', '10:00 0', '11:00 0'],
      France: ['09:00 0', '10:00 0', '11:00 1'],
    });
    expect(frames[0]!.schema.fields[1]!.labels).toEqual({ country: 'United Kingdom' });
    expect(frames[0]!.schema.meta!.notices[0]!.text).toContain('Country');
    const top = await gateway.frames('calls_attempts', { groupBy: 'COUNTRY', top: '1' }, morning);
    expect(Object.keys(linesOf(top))).toEqual(['United Kingdom']);
    expect(top[0]!.schema.meta!.notices.map(({ text }) => text)).toContain(
      'The 1 with the most calls are drawn; there are more.',
    );
  });

  test.each([
    ['ACCOUNT', { 'acme-dialler': 4, beta: 1 }],
    ['CUSTOMER', { 'Acme Telecom': 5 }],
    ['REGION', { London: 5 }],
    ['PREFIX', { 4420: 4 }],
    ['RELEASE_SOURCE', { callee: 5 }],
    ['DISCONNECT_CAUSE', { 16: 3, 17: 1, 1: 1 }],
    ['OUTCOME', { ANSWERED: 3, BUSY: 1, UNREACHABLE: 1 }],
    ['REMOTE_IP', { '192.0.2.10': 5 }],
  ])('can be grouped by %s', async (groupBy, totals) => {
    const frames = await gateway.frames('calls_attempts', { groupBy }, morning);
    const sums = frames.map(({ schema, data }) => [
      schema.name,
      data.values[1]!.reduce((sum: number, value) => sum + Number(value), 0),
    ]);
    expect(Object.fromEntries(sums)).toEqual(totals);
  });

  test.each([
    [{ account: '15' }, [], 1],
    [{ account: '14,15' }, [], 5],
    [{ country: ['France'] }, [], 1],
    [{ region: ['London', 'Paris'] }, [], 5],
    [{ release: 'caller' }, [], 0],
    [{ prefix: '4420' }, [], 4],
    [{}, [{ key: 'region', operator: '=', value: 'Paris' }], 0],
    [{ customer: '3' }, [], 5],
    [{ cause: 17 }, [], 1],
    [{ outcome: 'busy' }, [], 1],
    [{ cld: '44' }, [], 5],
    [{ cld: '331' }, [], 0],
    [{}, [{ key: 'account', operator: '=', value: '15' }], 1],
    [{}, [{ key: 'outcome', operator: '=|', value: 'BUSY', values: ['BUSY', 'ANSWERED'] }], 4],
    [{ account: ['14', '15'] }, [{ key: 'account', operator: '=', value: '15' }], 1],
    [{ account: '14' }, [{ key: 'account', operator: '=', value: '15' }], 0],
    // The same value, written in two ways.
    [{ outcome: 'busy' }, [{ key: 'outcome', operator: '=', value: 'BUSY' }], 1],
    [{ outcome: 'BUSY' }, [{ key: 'outcome', operator: '=~', value: 'busy|answered' }], 1],
    [{ cause: '017' }, [{ key: 'cause', operator: '=', value: '17' }], 1],
    [
      {},
      [
        { key: 'outcome', operator: '=', value: 'Busy' },
        { key: 'outcome', operator: '=|', value: '', values: ['busy', 'ANSWERED'] },
      ],
      1,
    ],
    [{ country: 'France' }, [{ key: 'cause', operator: '=', value: '17' }], 0],
    [{}, [{ key: 'replica', operator: '=', value: 'replica-a' }], 5],
    // Of one call the country and the prefix are unknown: it is none of those left out.
    [{}, [{ key: 'country', operator: '!=', value: 'France' }], 4],
    [{}, [{ key: 'country', operator: '!=', value: 'United Kingdom' }], 2],
    [{}, [{ key: 'country', operator: '!=|', value: '', values: ['France', 'United Kingdom'] }], 1],
    [{}, [{ key: 'prefix', operator: '!=', value: '4420' }], 1],
    [
      {},
      [
        { key: 'country', operator: '!=', value: 'France' },
        { key: 'cause', operator: '!=', value: '17' },
      ],
      3,
    ],
    [{ account: '14' }, [{ key: 'outcome', operator: '!=', value: 'busy' }], 3],
    [{}, [{ key: 'country', operator: '=~', value: 'Fr.*' }], 1],
    [{}, [{ key: 'country', operator: '=~', value: 'France|United Kingdom' }], 4],
    [{}, [{ key: 'country', operator: '=~', value: 'United' }], 0],
    [{}, [{ key: 'country', operator: '!~', value: '.*' }], 1],
    [{}, [{ key: 'country', operator: '!~', value: 'Fr.*' }], 4],
    [{}, [{ key: 'account', operator: '=~', value: 'acme-.+' }], 4],
    [{}, [{ key: 'account', operator: '=~', value: 'beta|nobody' }], 1],
    [{}, [{ key: 'account', operator: '!~', value: '1[45]' }], 0],
    [{}, [{ key: 'cause', operator: '=~', value: '1\\d?' }], 5],
    [{}, [{ key: 'cause', operator: '=~', value: '1\\d' }], 4],
    [{ country: 'France' }, [{ key: 'country', operator: '=~', value: 'U.*' }], 0],
    [{ cld: ['44', '331'] }, [], 5],
    [{ cld: '(331|332)' }, [], 0],
  ])('are of the calls that payload %j and filters %j leave', async (payload, filters, count) => {
    const [frame] = await gateway.frames('calls_attempts', payload, { ...morning, filters });
    expect(frame!.data.values[1]!.reduce((sum: number, value) => sum + Number(value), 0)).toBe(count);
  });

  test('of amounts are a line for each currency, and what is unknown is not 0', async () => {
    await database.insertAccounts([
      anAccount({ i_account: '31', username: 'in-euros', currency: 'EUR' }),
      anAccount({ i_account: '32', username: 'in-dollars', currency: 'USD' }),
    ]);
    const at = (i_account: string, charged_amount: string, country = 'Spain') =>
      anXdr({ connect_time: '2026-04-02 09:10:00+00', i_account, charged_amount, country });
    await database.insertXdrs([at('31', '1.5'), at('31', '2'), at('32', '4'), at('33', '8', 'Italy')]);
    const range = { from: '2026-04-02T09:00:00.000Z', to: '2026-04-02T11:00:00.000Z' };
    const frames = await gateway.frames('calls_charged_amount', {}, { range });
    expect(linesOf(frames)).toEqual({
      EUR: ['09:00 3.5', '10:00 0'],
      USD: ['09:00 4', '10:00 0'],
      'unknown currency': ['09:00 8', '10:00 0'],
    });
    expect(frames.map(({ schema }) => schema.fields[1]!.labels)).toEqual([
      { currency: 'EUR' },
      { currency: 'USD' },
      {},
    ]);
    expect(frames[0]!.schema.fields[1]!.config!.unit).toBe('suffix:EUR');
    expect(linesOf(await gateway.frames('calls_charged_amount', { groupBy: 'COUNTRY' }, { range }))).toEqual({
      'Spain, EUR': ['09:00 3.5', '10:00 0'],
      'Spain, USD': ['09:00 4', '10:00 0'],
      Italy: ['09:00 8', '10:00 0'],
    });
    const byAccount = await gateway.frames('calls_charged_amount', { groupBy: 'ACCOUNT' }, { range });
    expect(Object.keys(linesOf(byAccount)).sort()).toEqual(['33', 'in-dollars', 'in-euros']);
    const byCurrency = await gateway.frames('calls_charged_amount', { groupBy: 'CURRENCY' }, { range });
    expect(Object.keys(linesOf(byCurrency)).sort()).toEqual(['EUR', 'USD']);
    const [table] = await gateway.frames('calls_table', { groupBy: 'COUNTRY' }, { range });
    expect(rowsOf(table!)).toMatchObject([
      { country: 'Spain', charged_amount: null, charged_by_currency: '3.5 EUR, 4 USD' },
      { country: 'Italy', charged_amount: 8, charged_by_currency: '8 of unknown currency' },
    ]);
    expect(table!.schema.meta!.notices[0]!.text).toContain('group by CURRENCY');
    const [split] = await gateway.frames('calls_table', { groupBy: 'CURRENCY' }, { range });
    expect(rowsOf(split!).map(({ currency, charged_amount }) => [currency, charged_amount])).toEqual([
      ['EUR', 3.5],
      ['USD', 4],
      [null, 8],
    ]);
  });

  test('of accounts are called by their names, with the id where two have the same, within the scope', async () => {
    const namesake = anAccount({ i_account: '16', username: 'beta', i_customer: '3' });
    await database.insertAccounts([namesake]);
    await database.insertXdrs([anXdr({ connect_time: '2026-02-02 09:00:00+00', i_account: '15' })]);
    await database.insertXdrs([anXdr({ connect_time: '2026-02-02 09:00:00+00', i_account: '16' })]);
    await database.insertXdrs([anXdr({ connect_time: '2026-02-02 09:00:00+00', i_account: '17' })]);
    const range = { from: '2026-02-02T09:00:00.000Z', to: '2026-02-02T10:00:00.000Z' };
    const frames = await gateway.frames('calls_attempts', { groupBy: 'ACCOUNT' }, { range });
    expect(frames.map(({ schema }) => schema.name).sort()).toEqual(['17', 'beta (15)', 'beta (16)']);
    const labels = frames.map(({ schema }) => schema.fields[1]!.labels);
    expect(labels).toContainEqual({ account: '15', username: 'beta' });
    const { body } = await gateway.post(
      '/query',
      { ...morning, targets: [{ refId: 'A', target: 'calls_attempts', payload: { groupBy: 'ACCOUNT' } }] },
      ACCOUNT_TOKEN,
    );
    expect(body.map(({ schema }: Frame) => schema.name)).toEqual(['acme-dialler']);
  });

  test.each(['(Isle) of |Man|, "the"', "Cote d'Ivoire\\{x}", 'Korea, Republic of', '(a|b)', 'a + b'])(
    'of a country called %s are found as a variable of any format writes it',
    async (country) => {
      const other = 'Elsewhere';
      await database.insertXdrs(
        [country, other].map((name) => anXdr({ connect_time: '2026-03-02 09:00:00+00', country: name })),
      );
      const range = { from: '2026-03-02T09:00:00.000Z', to: '2026-03-02T10:00:00.000Z' };
      const count = async (payload: unknown, scopedVars: unknown) => {
        const [frame] = await gateway.frames('calls_attempts', payload, { range, scopedVars });
        return frame!.data.values[1]![0];
      };
      const escaped = country.replaceAll(/[\\^$*+?.()|[\]{}/]/g, '\\$&');
      const one = { place: { text: [country], value: [country] } };
      const two = { place: { text: [country, other], value: [country, other] } };
      // In the format regex, which the query builder uses, and as JSON, which typed payloads use.
      expect(await count({ country: escaped }, one)).toBe(1);
      expect(await count({ country: [country] }, undefined)).toBe(1);
      expect(await count({ country: `(${escaped}|${other})` }, undefined)).toBe(2);
      for (const text of [
        `${country}|${other}`,
        `${country},${other}`,
        `{${country},${other}}`,
        `${country} + ${other}`,
      ]) {
        expect(await count({ country: text }, two), text).toBe(2);
      }
      await database.primary.deleteFrom('xdrs').where('country', 'in', [country, other]).execute();
    },
  );

  test('are one statement for all measures of the same calls, beside the one that finds the buckets', async () => {
    const one = await gateway.replicas.choose();
    const other = await gateway.replicas.choose({ exclude: new Set([one.name]) });
    let statements = 0;
    const count = () => {
      statements += 1;
    };
    for (const { pool } of [one, other]) pool.on('acquire', count);
    const ask = (payloads: readonly object[]) =>
      gateway.post('/query', {
        ...morning,
        targets: ['calls_attempts', 'calls_asr_percent', 'calls_acd_seconds'].map((target, index) => ({
          refId: 'ABC'[index],
          target,
          payload: payloads[index] ?? {},
        })),
      });
    const { body } = await ask([]);
    expect(body.map(({ schema }: Frame) => schema.refId)).toEqual(['A', 'B', 'C']);
    expect(statements).toBe(2);
    await ask([{ country: 'France' }, {}, {}]);
    expect(statements).toBe(5);
    for (const replica of [one, other]) {
      replica.pool.off('acquire', count);
      replica.release();
    }
  });

  test('tell which standby answered, and as of when', async () => {
    const { headers } = await gateway.post('/query', {
      ...morning,
      targets: [{ refId: 'A', target: 'calls_attempts' }],
    });
    expect(headers.get('x-replica')).toMatch(/^replica-[ab]$/);
    expect(headers.get('x-data-as-of')).toMatch(/^20\d\d-/);
  });
});

describe('statistics in a table', () => {
  test('have a row per group, the largest first, with every measure and its unit', async () => {
    const [frame] = await gateway.frames('calls_table', { groupBy: 'COUNTRY' }, morning);
    expect(rowsOf(frame!)).toMatchObject([
      { country: 'United Kingdom', attempts: 3, answered: 2, failed: 1, acd_seconds: 45, pdd_seconds: 1.5 },
      { country: 'France', attempts: 1, asr_percent: 100 },
      { country: null, attempts: 1, asr_percent: 0, acd_seconds: null },
    ]);
    const asr = frame!.schema.fields.find(({ name }) => name === 'asr_percent');
    expect(asr).toEqual({ name: 'asr_percent', type: 'number', config: { unit: 'percent' } });
  });

  test('have a measure that sorts the calls only when they are ordered by it', async () => {
    const [usual] = await gateway.frames('calls_table', { groupBy: 'ACCOUNT' }, morning);
    expect(rowsOf(usual!)[0]).not.toHaveProperty('median_duration_seconds');
    const payload = { groupBy: 'ACCOUNT', orderBy: 'median_duration_seconds' };
    const [ordered] = await gateway.frames('calls_table', payload, morning);
    expect(rowsOf(ordered!)).toMatchObject([
      { account: '14', median_duration_seconds: 30, attempts: 4 },
      { account: '15', median_duration_seconds: 6, attempts: 1 },
    ]);
  });

  test('may be ordered by, grouped by and cut by whatever a variable offers', async () => {
    const offered = async (target: string) =>
      (await gateway.post('/variable', { payload: { target } })).body.map(
        ({ __value }: { __value: string }) => __value,
      );
    for (const orderBy of [...(await offered('measures')), 'acdSeconds', 'acd_seconds']) {
      const [frame] = await gateway.frames('calls_table', { groupBy: 'ACCOUNT', orderBy }, morning);
      expect(rowsOf(frame!), orderBy).toHaveLength(2);
    }
    for (const groupBy of await offered('dimensions')) {
      for (const metric of ['calls_attempts', 'calls_table']) {
        const frames = await gateway.frames(metric, { groupBy }, morning);
        expect(frames.length, `${metric} ${groupBy}`).toBeGreaterThan(0);
      }
    }
    for (const bucket of await offered('buckets')) {
      for (const metric of ['calls_attempts', 'calls_table'])
        await gateway.frames(metric, { bucket }, morning);
    }
    for (const metric of await offered('measures')) await gateway.frames(metric, {}, morning);
  });

  test('can be of the addresses that calls come from', async () => {
    const [frame] = await gateway.frames('calls_table', { groupBy: 'REMOTE_IP' }, morning);
    expect(rowsOf(frame!)).toMatchObject([{ remote_ip: '192.0.2.10', attempts: 5 }]);
  });

  test('name accounts and customers', async () => {
    const [accounts] = await gateway.frames(
      'calls_table',
      { groupBy: 'ACCOUNT', orderBy: 'charged_amount' },
      morning,
    );
    expect(rowsOf(accounts!)).toMatchObject([
      { account: '14', username: 'acme-dialler', charged_amount: 0.75 },
      { account: '15', username: 'beta' },
    ]);
    const [customers] = await gateway.frames('calls_table', { groupBy: 'CUSTOMER' }, morning);
    expect(rowsOf(customers!)).toMatchObject([{ customer: '3', customer_name: 'Acme Telecom', attempts: 5 }]);
  });

  test('are one row of totals without a group, and rows over time with a bucket', async () => {
    const [totals] = await gateway.frames('calls_table', {}, morning);
    expect(rowsOf(totals!)).toMatchObject([{ attempts: 5, minutes: 1.6 }]);
    const [hours] = await gateway.frames('calls_table', { bucket: 'HOUR' }, morning);
    expect(
      rowsOf(hours!).map(({ time, attempts }) => [new Date(Number(time)).getUTCHours(), attempts]),
    ).toEqual([
      [9, 3],
      [11, 2],
    ]);
  });

  test('say so when there are more groups than rows', async () => {
    const [frame] = await gateway.frames('calls_table', { groupBy: 'CLD', top: 1 }, morning);
    expect(frame!.data.values[0]).toHaveLength(1);
    expect(frame!.schema.meta).toBeUndefined();
    const [cut] = await gateway.frames('calls_table', { groupBy: 'COUNTRY', top: 2 }, morning);
    expect(cut!.schema.meta!.notices[0]!.text).toBe('The first 2 are shown; there are more.');
  });
});
