import type { Insertable } from 'kysely';
import type { Pool } from 'pg';
import type { Xdrs } from '../../src/db/generated/model.ts';
import type { RandomSource } from '../feed/soak-random.ts';
import { anXdr } from '../support/builders.ts';

/** Around changes of clocks: of Paris, of New York, of Lord Howe by half an hour. */
const instants = [
  '2026-03-29T01:00:00Z',
  '2026-10-25T01:00:00Z',
  '2026-03-08T07:00:00Z',
  '2026-04-04T15:00:00Z',
  '2026-01-05T09:00:00Z',
].map((text) => Date.parse(text));

const zones = [
  'UTC',
  'Europe/Paris',
  'America/New_York',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'America/St_Johns',
];
const HOUR = 3_600_000;
const QUARTER = HOUR / 4;

export function randomCalls(random: RandomSource, count: number): Insertable<Xdrs>[] {
  return Array.from({ length: count }, () => anXdr(randomValues(random)));
}

function randomValues(random: RandomSource): Partial<Insertable<Xdrs>> {
  const isAnswered = random.chance(0.6);
  return {
    i_account: random.pick(['14', '15', '16', '17']),
    i_customer: random.pick(['3', '3', '4', '5', null]),
    connect_time: random.chance(0.01) ? 'infinity' : randomTime(random),
    duration: isAnswered
      ? random.pick(['0.5', '6', '59.123', '3600.000001', '0.100', 'NaN'])
      : random.pick(['0', '0.0']),
    charged_quantity: random.pick([0, 1, 61, 3600, null]),
    charged_amount: random.pick(['0', '0.012500', '-1.5', '0.000000001', '123456789.01']),
    disconnect_cause: random.pick([16, 16, 17, 34, 1, null]),
    pdd: random.pick(['0.1', '1.84', '2.000', null]),
  };
}

const randomTime = (random: RandomSource): string =>
  new Date(Math.round(random.pick(instants) + random.between(-30, 30) * HOUR)).toISOString();

/** One transaction of a switch: calls that come, are corrected, move to another time or account, and go. */
export async function randomChange(random: RandomSource, pool: Pool): Promise<void> {
  const some = `i_xdr in (select i_xdr from xdrs order by hashint8(i_xdr + ${Math.floor(random.between(0, 1e6))}) limit $1)`;
  const count = Math.ceil(random.between(1, 12));
  const values = randomValues(random);
  const client = await pool.connect();
  try {
    await client.query('begin');
    if (random.chance(0.5)) await insert(client, randomCalls(random, count));
    if (random.chance(0.5)) {
      const { duration, charged_amount, disconnect_cause } = values;
      await client.query(
        `update xdrs set duration = $2, charged_amount = $3, disconnect_cause = $4 where ${some}`,
        [count, duration, charged_amount, disconnect_cause],
      );
    }
    if (random.chance(0.4)) {
      const { i_account, i_customer, connect_time } = values;
      await client.query(`update xdrs set i_account = $2, i_customer = $3, connect_time = $4 where ${some}`, [
        count,
        i_account,
        i_customer,
        connect_time,
      ]);
    }
    if (random.chance(0.3)) await client.query(`delete from xdrs where ${some}`, [count]);
    await client.query(random.chance(0.1) ? 'rollback' : 'commit');
  } finally {
    client.release();
  }
}

async function insert(client: { query: Pool['query'] }, calls: readonly Insertable<Xdrs>[]): Promise<void> {
  for (const call of calls) {
    const names = Object.keys(call);
    const places = names.map((_, index) => `$${index + 1}`).join(', ');
    await client.query(`insert into xdrs (${names.join(', ')}) values (${places})`, Object.values(call));
  }
}

/** Variables of statistics that what is kept can answer. */
export function randomQuestion(random: RandomSource): object {
  const time = random.pick(['QUARTER_HOUR', 'HOUR', 'DAY', 'WEEK', 'MONTH']);
  const others = ['ACCOUNT', 'CUSTOMER', 'CURRENCY'].filter(() => random.chance(0.3));
  const measure = random.pick(['ATTEMPTS', 'ASR', 'CHARGED_AMOUNT', 'MINUTES', 'ACD_SECONDS', 'SHORT_CALLS']);
  return {
    filter: randomFilter(random),
    groupBy: random.chance(0.7) ? [...others, time] : others,
    timeZone: random.pick(zones),
    ...(random.chance(0.3) && { having: [{ measure, moreThan: random.pick(['0', '0.5', '3']) }] }),
    ...(random.chance(0.4) && { orderBy: { measure, direction: random.pick(['ASC', 'DESC']) } }),
    ...(random.chance(0.3) && { first: Math.ceil(random.between(0, 5)) }),
  };
}

function randomFilter(random: RandomSource): object | null {
  const edge = () =>
    new Date(Math.round((random.pick(instants) + random.between(-30, 30) * HOUR) / QUARTER) * QUARTER);
  const [from, to] = [edge(), edge()].toSorted((one, other) => one.getTime() - other.getTime());
  return {
    ...(random.chance(0.6) && { from }),
    ...(random.chance(0.6) && from! < to! && { to }),
    ...(random.chance(0.3) && { accountIds: random.pick([['14'], ['14', '16'], ['99'], []]) }),
    ...(random.chance(0.2) && { customerIds: random.pick([['3'], ['3', '5'], []]) }),
  };
}
