import type { Random } from './random.ts';
import {
  bigint,
  type ColumnType,
  double,
  flags,
  integer,
  keyTime,
  numbers,
  numeric,
  real,
  smallint,
  textTypes,
  times,
  wholes,
} from './random-values.ts';

/** Tables of calls as some switch might have them, and what might be stored in them. */

/** In every text of an account and its calls, and nowhere else. */
export const marks: ReadonlyMap<number, string> = new Map([
  [14, 'OWN'],
  [15, 'STRANGE'],
  [16, 'THIRD'],
]);
const accountIds = [14, 14, 14, 15, 15, 16];
export const SOURCES = ['xdrs', 'sippy'] as const;

type Choice = Readonly<Record<string, readonly ColumnType[]>>;

/** Required columns, and those that a switch may lack. */
interface Shape {
  readonly table: string;
  readonly key: string;
  readonly required: Choice;
  readonly optional: Choice;
}

function xdrsShape(text: readonly ColumnType[]): Shape {
  return {
    table: 'xdrs',
    key: 'i_xdr',
    required: { duration: [numeric, double, real, integer], charged_amount: [numeric, double] },
    optional: {
      i_customer: [bigint, integer, numeric],
      cli: text,
      cld: text,
      cli_in: text,
      call_id: text,
      country: text,
      region: text,
      user_agent: text,
      remote_ip: text,
      release_source: text,
      prefix: text,
      setup_time: times,
      disconnect_time: times,
      charged_quantity: numbers,
      disconnect_cause: [...wholes, numeric],
      pdd: [numeric, double, integer],
      i_protocol: [smallint, integer, bigint],
    },
  };
}

function sippyShape(text: readonly ColumnType[]): Shape {
  return {
    table: 'cdrs',
    key: 'i_cdr',
    required: { duration: [double, numeric], cost: [double, numeric], result: [bigint, integer, smallint] },
    optional: {
      i_customer: [bigint, integer],
      billed_duration: [double, double, numeric, bigint],
      disconnect_time: times,
      cli_in: text,
      cld_in: text,
      prefix: text,
      area_name: text,
      user_agent: text,
      remote_ip: text,
      release_source: text,
      pdd1xx: [double, numeric],
      i_protocol: [smallint, integer],
    },
  };
}

export interface RandomTables {
  readonly source: (typeof SOURCES)[number];
  /** Creates and fills them. */
  readonly sql: string;
  /** A statement of somebody who owns them and thinks of nobody else. */
  alter(random: Random): string;
  /** Gives a text another type, as long as any that is stored, and nothing else is changed. */
  retype(random: Random): string;
  /** What brings back all that the gateway's role needs. */
  readonly grantAgain: string;
  /** Adds so many ordinary calls, with keys from a number on, so many seconds after the others. */
  manyMore(calls: ManyCalls): string;
  /** As a retention does, which looks at the calls that have a time and a key. */
  deleteAllBut(keys: readonly number[]): string;
  /** How many calls of these accounts, or of all, have no time or no key. */
  countKeyless(accounts: readonly number[] | undefined): string;
}

export interface ManyCalls {
  readonly from: number;
  readonly count: number;
  readonly second: number;
}

export function randomTables(random: Random, encoding: string, rows: number): RandomTables {
  const source = random.pick(['xdrs', 'xdrs', 'sippy'] as const);
  const text = textTypes(encoding);
  const shape = source === 'xdrs' ? xdrsShape(text) : sippyShape(text);
  const columns = chooseColumns(random, shape);
  const owners = ownersSql(random, text);
  const calls = source === 'sippy' && random.chance(0.85) ? callsSql(random, text, rows) : '';
  const names = [shape.table, ...(calls && ['calls']), ...(owners && ['accounts', 'customers'])];
  const grantAgain = `grant select on ${names.join(', ')} to gateway_reader`;
  return {
    source,
    sql: [recordsSql(random, shape, columns, rows), calls, owners, `${grantAgain};`].join('\n'),
    alter: (changing) =>
      owners && changing.chance(0.15)
        ? alterOwnersSql(changing, text)
        : alterSql(changing, shape, grantAgain),
    retype: (changing) => {
      const texts = Object.keys(shape.optional).filter((name) => shape.optional[name] === text);
      const type = `varchar(${100_000 + changing.below(100_000)})`;
      return unlessImpossible(`alter table ${shape.table} alter column ${changing.pick(texts)} type ${type}`);
    },
    grantAgain,
    manyMore: (calls) => manyMoreSql(shape, calls),
    deleteAllBut: (keys) =>
      `delete from ${shape.table} where connect_time is not null and ${shape.key} is not null
         and ${shape.key} <> all('{${keys.join(',')}}'::bigint[])`,
    countKeyless: (accounts) =>
      `select count(*) as count from ${shape.table} where (connect_time is null or ${shape.key} is null)
         ${accounts ? `and i_account in (${accounts.join(', ')})` : ''}`,
  };
}

function manyMoreSql({ table, key, required }: Shape, { from, count, second }: ManyCalls): string {
  const names = Object.keys(required);
  return `insert into ${table} (${[key, 'i_account', 'connect_time', ...names].join(', ')})
    select number, 14 + number % 3, '2026-01-06'::timestamptz + interval '1 second' * ${second}, ${names.map(() => 'number % 100').join(', ')}
    from generate_series(${from}, ${from + count - 1}) as number`;
}

function chooseColumns(random: Random, { required, optional }: Shape): Map<string, ColumnType> {
  const columns = new Map(Object.entries(required).map(([name, types]) => [name, random.pick(types)]));
  for (const [name, types] of Object.entries(optional)) {
    if (random.chance(0.85)) columns.set(name, random.pick(types));
  }
  return columns;
}

function valueSql(random: Random, { type, value }: ColumnType, mark: string): string {
  return random.chance(0.15) ? 'null' : `(${value(random, mark)})::${type}`;
}

function recordsSql(
  random: Random,
  { table, key }: Shape,
  columns: ReadonlyMap<string, ColumnType>,
  rows: number,
): string {
  const isNullable = random.chance(0.5);
  const hasKeys = !isNullable || random.chance(0.7);
  const isPartitioned = random.chance(0.2);
  const unique = isNullable ? 'unique' : 'primary key';
  const definitions = [
    `${key} ${random.pick(['bigint', 'bigint', 'integer', 'smallint'])}${hasKeys && !isPartitioned ? ' primary key' : ''}`,
    `i_account ${random.pick(['bigint', 'integer'])}`,
    `connect_time timestamptz${isNullable ? '' : ' not null'}`,
    ...(table === 'cdrs' ? ['i_call bigint'] : []),
    ...[...columns].map(([name, { type }]) => `${name} ${type}`),
    ...(isPartitioned && hasKeys ? [`${unique} (${key}, connect_time)`] : []),
  ];
  const names = [
    key,
    'i_account',
    'connect_time',
    ...(table === 'cdrs' ? ['i_call'] : []),
    ...columns.keys(),
  ];
  // Two could have the same place in a list, which nothing could tell apart.
  const keyless = hasKeys ? undefined : random.below(rows);
  const lines = Array.from({ length: rows }, (_, index) => {
    const account = isNullable && random.chance(0.05) ? null : random.pick(accountIds);
    const mark = `${marks.get(account ?? 15)}${index}`;
    const values = [...columns.values()].map((column) => valueSql(random, column, mark));
    const connectTime = isNullable && random.chance(0.1) ? 'null' : keyTime(random, mark);
    const id = index === keyless ? 'null' : index + 1;
    const call = table === 'cdrs' ? [random.chance(0.1) ? 'null' : callOf(account, index)] : [];
    return `(${[id, account ?? 'null', `(${connectTime})::timestamptz`, ...call, ...values].join(', ')})`;
  });
  return `
    create table ${table} (${definitions.join(', ')}) ${isPartitioned ? partitionsSql(table) : ''};
    create index on ${table} (i_account, connect_time desc, ${key} desc);
    create index on ${table} (connect_time desc, ${key} desc);
    insert into ${table} (${names.join(', ')}) values ${lines.join(',\n')};`;
}

/** Of the calls from this moment on. */
const late = (table: string) =>
  `partition ${table}_late for values from ('2026-01-05 09:00:08Z') to (maxvalue)`;

function partitionsSql(table: string): string {
  return `partition by range (connect_time);
    create table ${table}_rest partition of ${table} default;
    create table ${table}_late (like ${table} including defaults including constraints);
    alter table ${table} attach ${late(table)}`;
}

/** Calls of different accounts have different parts of `calls`. */
const callOf = (account: number | null, index: number): number => (account ?? 15) * 1000 + index;

function callsSql(random: Random, text: readonly ColumnType[], rows: number): string {
  const columns = Object.entries({ cli: text, cld: text, call_id: text, setup_time: times }).flatMap(
    ([name, types]) => (random.chance(0.85) ? [[name, random.pick(types)] as const] : []),
  );
  const lines = [...marks].flatMap(([account, mark]) =>
    Array.from({ length: rows }, (_, index) => {
      const values = columns.map(([, column]) => valueSql(random, column, `${mark}${index}`));
      return `(${[callOf(account, index), ...values].join(', ')})`;
    }),
  );
  return `
    create table calls (${['i_call bigint primary key', ...columns.map(([name, { type }]) => `${name} ${type}`)].join(', ')});
    insert into calls (${['i_call', ...columns.map(([name]) => name)].join(', ')}) values ${lines.join(',\n')};`;
}

/** Accounts of one currency, of several, of one that is blank, or of what is none. */
function currencyTypes(text: readonly ColumnType[]): readonly ColumnType[] {
  const value = (random: Random) => random.pick(["'EUR'", "'EUR'", "'USD'", "' EUR '", "''", "'  '"]);
  return [...text, { type: 'text', value }, { type: 'char(3)', value }];
}

function ownersSql(random: Random, text: readonly ColumnType[]): string {
  if (random.chance(0.25)) return '';
  const currency = random.pick(['currency', 'payment_currency', 'iso_4217']);
  const columns = Object.entries({ username: text, [currency]: currencyTypes(text), blocked: flags }).flatMap(
    ([name, types]) => (random.chance(0.85) ? [[name, random.pick(types)] as const] : []),
  );
  const customers = new Map([
    [14, 3],
    [15, 4],
    [16, 5],
  ]);
  const name = random.pick(text);
  const accounts = [...marks].map(([account, mark]) =>
    [account, customers.get(account), ...columns.map(([, column]) => valueSql(random, column, mark))].join(
      ', ',
    ),
  );
  return `
    create table accounts (i_account ${random.pick(['bigint', 'integer'])} primary key,
      i_customer ${random.pick(['bigint', 'integer'])}, ${columns.map(([each, { type }]) => `${each} ${type}`).join(', ') || 'extra int'});
    insert into accounts (${['i_account', 'i_customer', ...columns.map(([each]) => each)].join(', ')})
      values ${accounts.map((line) => `(${line})`).join(', ')};
    create table customers (i_customer ${random.pick(['bigint', 'integer'])} primary key, name ${name.type});
    insert into customers values ${[...marks].map(([account, mark]) => `(${customers.get(account)}, ${valueSql(random, name, mark)})`).join(', ')};`;
}

const PRECISIONS = ['varchar(4000)', 'varchar(70000)', 'text', 'timestamptz(3)', 'numeric(40, 8)'];

const unlessImpossible = (statement: string) =>
  `do $$ begin ${statement}; exception when others then null; end $$`;

function alterOwnersSql(random: Random, text: readonly ColumnType[]): string {
  return random.pick([
    'alter table accounts drop column if exists username',
    `alter table accounts add column if not exists username ${random.pick(text).type}`,
    unlessImpossible(`alter table accounts alter column username type ${random.pick(text).type}`),
    unlessImpossible('alter table accounts alter column blocked type text using blocked::text'),
    'revoke select on accounts, customers from gateway_reader; grant select (i_account, i_customer) on accounts to gateway_reader',
    'alter table customers drop column if exists name',
  ]);
}

function alterSql(random: Random, { table, key, optional }: Shape, grantAgain: string): string {
  const name = random.pick(Object.keys(optional));
  const { type } = random.pick(optional[name]!);
  return random.pick([
    `alter table ${table} drop column if exists ${name}`,
    `alter table ${table} add column if not exists ${name} ${type}; ${grantAgain}`,
    unlessImpossible(`alter table ${table} alter column ${name} type text using ${name}::text`),
    unlessImpossible(`alter table ${table} alter column ${name} type ${type} using ${name}::${type}`),
    unlessImpossible(
      `alter table ${table} alter column i_account type ${random.pick(['bigint', 'integer'])}`,
    ),
    // Another length or precision only, which the name of a type does not have.
    unlessImpossible(`alter table ${table} alter column ${name} type ${random.pick(PRECISIONS)}`),
    unlessImpossible(`alter table ${table} rename column ${name} to other_name`),
    unlessImpossible(`alter table ${table} rename column other_name to ${name}`),
    unlessImpossible(`alter table ${table} alter column connect_time drop not null`),
    `revoke select on ${table} from gateway_reader; grant select (${key}, i_account, connect_time) on ${table} to gateway_reader`,
    grantAgain,
    `alter table ${table} rename to old; create table public.${table} as select * from old; drop table old; ${grantAgain}`,
    unlessImpossible(`alter table ${table} detach partition ${table}_late`),
    unlessImpossible(`alter table ${table} attach ${late(table)}`),
    `drop index if exists ${table}_connect_time_${key}_idx`,
    `create index if not exists ${table}_connect_time_${key}_idx on ${table} (connect_time desc, ${key} desc)`,
    `alter table ${table} add column if not exists extra_${random.below(5)} int default 7`,
    `analyze ${table}`,
  ]);
}
