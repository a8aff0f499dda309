import { decodedText, type ExpectedRows, visibleTo } from './expected-rows.ts';
import type { FuzzClient, Principal } from './fuzz-client.ts';
import type { FuzzDatabase } from './fuzz-database.ts';
import type { Random } from './random.ts';
import { buckets, randomStatistics, zones } from './random-request.ts';
import type { RandomTables } from './random-table.ts';
import { assertSame } from './same.ts';

const FROM = '1970-01-01T00:00:00Z';
const TO = '2100-01-01T00:00:00Z';

/** Each call is in the last bucket that begins before it, whatever the clocks of a zone do. */
export async function checkBuckets(
  random: Random,
  client: FuzzClient,
  principal: Principal,
  { database, tables }: { readonly database: FuzzDatabase; readonly tables: RandomTables },
): Promise<void> {
  const times = await selectTimes(database, tables, principal);
  for (const zone of zones) await checkZone(client, principal, times, random.pick(buckets), zone);
}

/** Any statistics are answered, and their groups are in order of time first. */
export async function checkGroups(random: Random, client: FuzzClient, principal: Principal): Promise<void> {
  const { query, isByTime } = randomStatistics(random);
  const { data } = await client.quietAnswer(query, principal, 'streamed');
  if (!isByTime) return;
  const starts = (data.cdrStats.rows as { bucket: string | null }[]).flatMap(({ bucket }) =>
    bucket === null ? [] : [Date.parse(bucket)],
  );
  assertSame(
    starts,
    starts.toSorted((one, other) => one - other),
    `Time comes first: ${query}`,
  );
}

async function checkZone(
  client: FuzzClient,
  principal: Principal,
  times: readonly number[],
  bucketUnit: string,
  zone: string,
): Promise<void> {
  const query = `{ cdrStats(filter: { from: "${FROM}", to: "${TO}" }, groupBy: [${bucketUnit}],
    timeZone: "${zone}") { rows { bucket attempts } totals { attempts } } }`;
  const { data } = await client.quietAnswer(query, principal, 'streamed');
  const rows = (data.cdrStats.rows as { bucket: string; attempts: string | number }[])
    .map(({ bucket, attempts }) => ({ start: Date.parse(bucket), bucket, attempts: Number(attempts) }))
    .sort((one, other) => one.start - other.start);
  const counted = rows.map(({ start, bucket }, index) => {
    const end = rows[index + 1]?.start ?? Number.POSITIVE_INFINITY;
    return [bucket, times.filter((time) => time >= start && time < end).length];
  });
  assertSame(
    rows.map(({ bucket, attempts }) => [bucket, attempts]),
    counted,
    query,
  );
  assertSame(Number(data.cdrStats.totals.attempts), times.length, query);
}

const SUMMED = ['durationSeconds', 'billedSeconds', 'chargedAmount'] as const;

/** Sums are those of the readable values, exact, and it is said how many calls had others. */
export async function checkTotals(
  client: FuzzClient,
  principal: Principal,
  expected: ExpectedRows,
  pool: FuzzDatabase['pool'],
): Promise<void> {
  const query = `{ cdrStats { totals { attempts unreadableCalls durationSeconds billedSeconds
    amountsByCurrency { chargedAmount } } } }`;
  const { data } = await client.quietAnswer(query, principal, 'streamed');
  const { attempts, unreadableCalls, amountsByCurrency, ...sums } = data.cdrStats.totals;
  const visible = visibleTo(principal, expected);
  const numbers = [...SUMMED, 'pddSeconds'].filter((name) => expected.fields.includes(name));
  const unreadable = visible.filter(({ values }) => numbers.some((name) => values[name] === undefined));
  const about = `${principal.name}: ${query}`;
  assertSame([Number(attempts), Number(unreadableCalls)], [visible.length, unreadable.length], about);
  const amounts: string[] = amountsByCurrency.map((each: { chargedAmount: string }) => each.chargedAmount);
  const shown = { ...sums, chargedAmount: amounts };
  for (const name of SUMMED) {
    const { rows } = await pool.query(
      `select (select trim_scale(coalesce(sum(value::numeric), 0)) from unnest($1::text[]) as value)::text as shown,
         (select trim_scale(coalesce(sum(value::numeric), 0)) from unnest($2::text[]) as value)::text as stored`,
      [[shown[name]].flat().map(String), visible.flatMap(({ values }) => values[name] ?? []).map(String)],
    );
    assertSame(`${name} ${rows[0].shown}`, `${name} ${rows[0].stored}`, about);
  }
}

/** Amounts of different currencies are never added, and each is the sum of its calls. */
export async function checkCurrencies(
  client: FuzzClient,
  principal: Principal,
  expected: ExpectedRows,
  pool: FuzzDatabase['pool'],
): Promise<void> {
  const query = `{ cdrStats(groupBy: [CURRENCY]) { rows { currency attempts }
    totals { chargedAmount amountsByCurrency { currency calls chargedAmount } } } }`;
  const { data } = await client.quietAnswer(query, principal, 'streamed');
  const visible = visibleTo(principal, expected);
  const names = [...new Set(visible.map(({ currency }) => currency?.toString('latin1') ?? null))];
  const wanted = await Promise.all(
    names.map(async (name) => {
      const calls = visible.filter(({ currency }) => (currency?.toString('latin1') ?? null) === name);
      const { rows } = await pool.query(
        'select trim_scale(coalesce(sum(value::numeric), 0))::text as sum from unnest($1::text[]) as value',
        [calls.flatMap(({ values }) => values.chargedAmount ?? []).map(String)],
      );
      // One that is no text is shown as null.
      const currency =
        name === null ? null : (decodedText(Buffer.from(name, 'latin1'), expected.encoding) ?? null);
      return { currency, calls: calls.length, sum: rows[0].sum as string };
    }),
  );
  const about = `${principal.name}: ${query}`;
  const { rows, totals } = data.cdrStats;
  const amounts = totals.amountsByCurrency as readonly Record<
    'currency' | 'calls' | 'chargedAmount',
    string
  >[];
  const shown = amounts.map((each) => [each.currency, Number(each.calls), plainDecimal(each.chargedAmount)]);
  assertSame(
    ordered(shown),
    ordered(wanted.map(({ currency, calls, sum }) => [currency, calls, sum])),
    about,
  );
  const groups = (rows as Record<'currency' | 'attempts', unknown>[]).map((row) => [
    row.currency,
    Number(row.attempts),
  ]);
  assertSame(ordered(groups), ordered(wanted.map(({ currency, calls }) => [currency, calls])), about);
  const only = wanted.length > 1 ? null : (wanted[0]?.sum ?? '0');
  assertSame(totals.chargedAmount && plainDecimal(totals.chargedAmount), only, about);
}

const ordered = (rows: readonly unknown[]) => rows.map((row) => JSON.stringify(row)).sort();

/** Without zeros that say nothing. */
function plainDecimal(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

/** Milliseconds: no bucket here begins within one. */
async function selectTimes(
  { pool }: FuzzDatabase,
  { source }: RandomTables,
  { isAdmin, accounts }: Principal,
): Promise<readonly number[]> {
  const { rows } = await pool.query(
    `select floor(extract(epoch from connect_time) * 1000)::text as millis from ${source === 'xdrs' ? 'xdrs' : 'cdrs'}
     where connect_time >= '${FROM}' and connect_time < '${TO}'
       and ${isAdmin ? 'true' : `i_account in (${accounts.join(', ')})`}`,
  );
  return rows.map(({ millis }: Record<string, string>) => Number(millis));
}

/** One bad root leaves the others as they are. */
export async function checkRoots(client: FuzzClient, principal: Principal): Promise<void> {
  const query = `{ bad: cdrStats(timeZone: "Nowhere/Land") { totals { attempts } }
    good: cdrs(first: 1) { nodes { id } } }`;
  const text = await client.text(query, principal, 'application/graphql-response+json');
  const { data } = JSON.parse(text);
  if (!data || data.bad !== null || !data.good)
    throw new Error(`One bad root voids the other: ${text} for ${query}`);
}
