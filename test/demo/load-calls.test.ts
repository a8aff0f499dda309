import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadCalls } from '../../src/demo/load-calls.ts';
import { rates } from '../../src/demo/rates.ts';
import { createTrafficModel } from '../../src/demo/traffic-model.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

/** What the generator says in whole millionths, PostgreSQL works out again in exact decimals of its own. */
describe('calls in the database', () => {
  const COUNT = 20_000;
  const model = createTrafficModel(1);
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
    await loadCalls(database.primaryUrl, model, { count: COUNT, now: new Date('2026-03-05T12:00:00Z') });
    await database.pool.query('create table price_list (prefix text, price bigint)');
    await database.pool.query('insert into price_list select * from unnest($1::text[], $2::bigint[])', [
      rates.map(({ prefix }) => prefix),
      rates.map(({ pricePerMinute }) => pricePerMinute),
    ]);
    await database.pool.query(
      'create table terms (i_account bigint, factor numeric, fee numeric, first int, next int)',
    );
    await database.pool.query(
      'insert into terms select * from unnest($1::bigint[], $2::numeric[], $3::numeric[], $4::int[], $5::int[])',
      [
        model.accounts.map(({ id }) => id),
        model.accounts.map(({ terms }) => terms.priceFactor),
        model.accounts.map(({ terms }) => terms.connectFee),
        model.accounts.map(({ terms }) => terms.interval1),
        model.accounts.map(({ terms }) => terms.intervalN),
      ],
    );
  });
  afterAll(() => database[Symbol.asyncDispose]());

  /** Rows that satisfy the condition. */
  async function count(condition: string, from = 'xdrs'): Promise<number> {
    const { rows } = await database.pool.query(`select count(*)::int as n from ${from} where ${condition}`);
    return rows[0].n;
  }

  test('are as many as were asked for, of accounts and customers that exist', async () => {
    expect(await count('true')).toBe(COUNT);
    expect(await count('i_account in (select i_account from accounts)')).toBe(COUNT);
    const belonging = 'xdrs join accounts using (i_account, i_customer) join customers using (i_customer)';
    expect(await count('true', belonging)).toBe(COUNT);
  });

  test('carry the prefix that is the longest to begin the called number', async () => {
    const longest = `(select prefix from price_list where starts_with(cld, price_list.prefix) order by length(prefix) desc limit 1)`;
    expect(
      await count(
        `prefix is distinct from 'external_translation_error' and prefix is distinct from ${longest}`,
      ),
    ).toBe(0);
    expect(await count('prefix is null')).toBeGreaterThan(0);
    expect(await count(`prefix = 'external_translation_error'`)).toBeGreaterThan(0);
  });

  test('cost, when answered, what exact decimal arithmetic says to the last place', async () => {
    const priced = 'xdrs join price_list using (prefix) join terms using (i_account)';
    const billed = `first + next * greatest(0, ceil((duration - first) / next))`;
    expect(await count('duration > 0', priced)).toBe(await count('duration > 0'));
    expect(await count(`duration > 0 and charged_quantity <> ${billed}`, priced)).toBe(0);
    const amount = `(fee + round(price * factor * charged_quantity / 60000)) / 1000000`;
    expect(await count(`duration > 0 and charged_amount <> ${amount}`, priced)).toBe(0);
  });

  test('cost nothing when they failed, but for a rare connect fee', async () => {
    expect(await count('duration = 0 and charged_quantity <> 0')).toBe(0);
    const charged = await count('duration = 0 and charged_amount <> 0', 'xdrs join terms using (i_account)');
    const withFee = await count(
      'duration = 0 and charged_amount <> 0 and charged_amount * 1000000 = fee',
      'xdrs join terms using (i_account)',
    );
    expect(charged).toBe(withFee);
    expect(charged).toBeLessThan(COUNT / 500);
  });

  test('have keys in the order in which they ended, not in that in which they began', async () => {
    const neighbours = `(select disconnect_time, connect_time, lag(disconnect_time) over byKey as ended, lag(connect_time) over byKey as begun
      from xdrs window byKey as (order by i_xdr)) as neighbours`;
    expect(await count('disconnect_time < ended', neighbours)).toBe(0);
    expect(await count('connect_time < begun', neighbours)).toBeGreaterThan(100);
  });

  test('have whole seconds for connect and disconnect times, and fractions for durations and setup times', async () => {
    expect(await count(`connect_time <> date_trunc('second', connect_time)`)).toBe(0);
    expect(await count(`disconnect_time <> connect_time + floor(duration) * interval '1 second'`)).toBe(0);
    expect(await count('duration <> floor(duration)')).toBeGreaterThan(COUNT / 4);
    expect(await count(`setup_time <> date_trunc('millisecond', setup_time)`)).toBeGreaterThan(COUNT / 2);
  });

  test('are replaced, not added to, by another load', async () => {
    await using other = await createTestDatabase();
    await loadCalls(other.primaryUrl, createTrafficModel(2), { count: 100, now: new Date() });
    await loadCalls(other.primaryUrl, createTrafficModel(3), { count: 50, now: new Date() });
    expect((await other.pool.query('select count(*)::int as n from xdrs')).rows).toEqual([{ n: 50 }]);
  });
});

test('a load that is called off leaves the tables as they were', async () => {
  await using database = await createTestDatabase();
  const controller = new AbortController();
  const load = loadCalls(database.primaryUrl, createTrafficModel(1), {
    count: 50_000,
    now: new Date(),
    signal: controller.signal,
    onProgress: () => controller.abort(),
  });
  await expect(load).rejects.toThrow(/abort/i);
  expect((await database.pool.query('select count(*)::int as n from accounts')).rows).toEqual([{ n: 0 }]);
});
