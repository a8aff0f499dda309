import type { Insertable } from 'kysely';
import type { Pool } from 'pg';
import type { Accounts, Xdrs } from '../../src/db/generated/model.ts';
import { cdrColumn, cdrColumnNames } from '../../src/db/sources/cdr-columns.ts';

/** A pool or a client. */
type Queryable = Pick<Pool, 'query'>;

export type XdrRow = Insertable<Xdrs>;
export type AccountRow = Insertable<Accounts>;

/** Tables of a Sippy switch, with the columns and types that its public documents name. */
export const sippyTablesSql = `
  create table calls (
    i_call bigint primary key,
    call_id varchar(128),
    cld varchar(128),
    cli varchar(128),
    setup_time timestamptz,
    parent_i_call bigint,
    i_call_type integer
  );
  create table cdrs (
    i_cdr bigint primary key,
    i_call bigint not null,
    i_account bigint not null,
    result bigint,
    cost double precision not null default 0,
    delay double precision not null default 0,
    duration double precision not null default 0,
    billed_duration double precision,
    connect_time timestamptz not null,
    disconnect_time timestamptz,
    cld_in varchar(128),
    cli_in varchar(128),
    prefix varchar(64),
    price_1 double precision not null default 0,
    price_n double precision not null default 0,
    interval_1 integer not null default 1,
    interval_n integer not null default 1,
    post_call_surcharge double precision not null default 0,
    connect_fee double precision not null default 0,
    free_seconds bigint not null default 0,
    remote_ip varchar(15),
    grace_period integer not null default 0,
    user_agent varchar(256),
    pdd1xx double precision,
    i_protocol smallint,
    release_source varchar(16),
    plan_duration double precision not null default 0,
    accessibility_cost double precision not null default 0,
    lrn_cld varchar(128),
    lrn_cld_in varchar(128),
    area_name varchar(128),
    p_asserted_id varchar(128),
    remote_party_id varchar(128)
  );
  create table accounts (
    i_account bigint primary key,
    i_customer bigint,
    username varchar(128) not null,
    authname varchar(128),
    voip_password varchar(128),
    payment_currency varchar(3),
    i_time_zone integer,
    blocked boolean not null default false
  );
  create table destinations (prefix varchar(64) not null, country_iso varchar(2), description varchar(128));
  create table countries (iso varchar(2) primary key, name varchar(128) not null);
  create index destinations_prefix_idx on destinations (prefix);`;

/** The keyset and number indexes, as the migrations make them on a Sippy. */
export const sippyIndexesSql = `
  create index cdrs_i_account_connect_time_i_cdr_idx on cdrs (i_account, connect_time desc, i_cdr desc);
  create index cdrs_connect_time_i_cdr_idx on cdrs (connect_time desc, i_cdr desc);
  create index cdrs_i_call_idx on cdrs (i_call);
  create index cdrs_cld_in_connect_time_i_cdr_idx on cdrs (cld_in text_pattern_ops, connect_time desc, i_cdr desc);
  create index cdrs_cli_in_connect_time_i_cdr_idx on cdrs (cli_in text_pattern_ops, connect_time desc, i_cdr desc);
  create index calls_cld_idx on calls (cld text_pattern_ops);
  create index calls_cli_idx on calls (cli text_pattern_ops);`;

/** A result that means the same as the Q.850 cause: the same outcome, the same success. */
export const sippyResults: ReadonlyMap<number, number> = new Map([
  [16, 0],
  [17, 486],
  [18, 408],
  [19, 480],
  [20, 480],
  [21, 603],
  [1, 404],
  [3, 404],
  [4, 404],
  [5, 404],
  [22, 410],
  [27, 604],
  [28, 484],
  [50, -21],
  [52, -21],
  [53, -21],
  [54, -21],
  [55, -21],
  [57, -20],
  [87, -21],
  [34, 503],
  [38, 502],
  [42, 503],
  [102, 504],
]);

/** Any other cause is a failure of the network, in either language. */
const otherResult = 500;

const xdrColumns = cdrColumnNames.map((name) => `${name} ${cdrColumn(name).type}`).join(', ');

/**
 * Writes calls of the `xdrs` kind as a Sippy would have written them, so that the same question has the same answer
 * from either source (but for disconnect_cause and disconnect_reason, which are Sippy's own). One prefix must lead
 * to one country and one region, and one account to one customer: a Sippy looks them up.
 */
export async function insertAsSippy(pool: Queryable, rows: readonly XdrRow[]): Promise<void> {
  const countries = lookup(rows, 'prefix', 'country');
  const regions = lookup(rows, 'prefix', 'region');
  await insertCountries(pool, new Set(countries.values()));
  const prefixes = new Set([...countries.keys(), ...regions.keys()]);
  await pool.query(
    `insert into destinations (prefix, country_iso, description)
     select prefix, iso, description
     from json_to_recordset($1) as given (prefix text, country text, description text)
     left join countries on name = country
     where not exists (select from destinations where destinations.prefix = given.prefix)`,
    [
      JSON.stringify(
        [...prefixes].map((prefix) => ({
          prefix,
          country: countries.get(prefix),
          description: regions.get(prefix),
        })),
      ),
    ],
  );
  const customers = lookup(rows, 'i_account', 'i_customer');
  await insertAccountsAsSippy(
    pool,
    [...customers].map(([i_account, i_customer]) => ({
      i_account,
      i_customer,
      username: `account-${i_account}`,
    })),
  );
  const json = JSON.stringify(
    rows.map((row) => ({ ...row, disconnect_cause: resultOf(row.disconnect_cause) })),
  );
  for (const table of ['calls', 'cdrs'] as const) {
    const values = { i_call: 'i_xdr + 1000000', ...storedIn(table) };
    await pool.query(
      `insert into ${table} (${Object.keys(values)}) select ${Object.values(values)}
       from json_to_recordset($1) as xdrs (${xdrColumns})`,
      [json],
    );
  }
}

/** Columns of `cdrs` for which a call of the other kind may have no value. */
const notNull = ['cost', 'duration'];

/** Each column of the table that holds one of the model's as it is, with the value to write there. */
function storedIn(table: 'cdrs' | 'calls'): Record<string, string> {
  const stored = cdrColumnNames.flatMap((name) => {
    const { sippy } = cdrColumn(name);
    if (sippy?.stored?.table !== table) return [];
    return [[sippy.stored.column, notNull.includes(sippy.stored.column) ? `coalesce(${name}, 0)` : name]];
  });
  return Object.fromEntries(stored);
}

/** Under codes of no real country (AA, AB, …), so that nothing can depend on them. */
async function insertCountries(pool: Queryable, names: ReadonlySet<string>): Promise<void> {
  await pool.query(
    `insert into countries (iso, name)
     select chr(65 + number / 26) || chr(65 + number % 26), name
     from (
       select name, (select count(*) from countries)::int + row_number() over (order by name)::int as number
       from unnest($1::text[]) as name where name not in (select name from countries)
     ) as new`,
    [[...names]],
  );
}

export async function insertAccountsAsSippy(pool: Queryable, rows: readonly AccountRow[]): Promise<void> {
  await pool.query(
    `insert into accounts (i_account, i_customer, username, payment_currency, blocked)
     select i_account, i_customer, username, currency, coalesce(blocked, false)
     from json_to_recordset($1)
       as given (i_account bigint, i_customer bigint, username text, currency text, blocked boolean)
     on conflict (i_account) do nothing`,
    [JSON.stringify(rows)],
  );
}

function resultOf(cause: number | null | undefined): number | null {
  return cause == null ? null : (sippyResults.get(cause) ?? otherResult);
}

/** What each value of `by` leads to. Throws when one leads to two: no Sippy could answer that. */
function lookup(rows: readonly XdrRow[], by: keyof XdrRow, to: keyof XdrRow): Map<string, string> {
  const found = new Map<string, string>();
  for (const row of rows) {
    const [key, value] = [row[by], row[to]];
    if (key == null || value == null) continue;
    const known = found.get(String(key));
    if (known !== undefined && known !== String(value)) {
      throw new Error(`${by} ${key} leads to two values of ${to}: ${known} and ${value}.`);
    }
    found.set(String(key), String(value));
  }
  return found;
}
