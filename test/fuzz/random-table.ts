import type { Random } from './random.ts';

/** Tables of calls as some switch might have them, and what might be stored in them. Values are SQL. */

export const OWN = 14;
export const OTHER = 15;
/** In every text of the other account, and nowhere else. */
export const FOREIGN = 'FOREIGN';

type Values = (random: Random, mark: string) => string;

const text = (random: Random, mark: string): string =>
  random.pick([
    `'${mark}'`,
    `'${mark}"\\,;'`,
    `'=${mark}+1'`,
    `E'${mark}\\n\\t\\x01'`,
    `'${mark}' || repeat('x', ${random.below(3000)})`,
    "''",
    `'# INCOMPLETE ${mark}'`,
  ]);
const whole =
  (...extremes: string[]): Values =>
  (random) =>
    random.chance(0.3) ? random.pick(extremes) : String(random.below(600));
const fraction: Values = (random) =>
  random.chance(0.4)
    ? random.pick([
        "'NaN'",
        "'Infinity'",
        "'-Infinity'",
        '1e300',
        '-0.25',
        '0.1',
        '1e10',
        '136298900000',
        '1e-7',
      ])
    : String(random.below(60_000) / 100);
const time: Values = (random) =>
  random.chance(0.25)
    ? random.pick([
        "'infinity'",
        "'-infinity'",
        "'294276-12-31 23:59:59.999999'",
        "'4714-11-24 BC'",
        "'9999-12-31'",
        "'0001-01-01 BC'",
      ])
    : `'2026-01-05 09:00:00'::timestamp + ${random.below(40)} * interval '0.5 seconds'`;

interface TypeOf {
  readonly type: string;
  readonly value: Values;
}

const bigint: TypeOf = {
  type: 'bigint',
  value: whole('9999999999', '-9223372036854775808', '9223372036854775807'),
};
const integer: TypeOf = { type: 'integer', value: whole('2147483647', '-2147483648') };
const smallint: TypeOf = { type: 'smallint', value: whole('32767', '-32768') };
const numeric: TypeOf = { type: 'numeric', value: fraction };
const double: TypeOf = { type: 'double precision', value: fraction };
const texts: TypeOf[] = [
  { type: 'text', value: text },
  { type: 'varchar(4000)', value: text },
];
const times: TypeOf[] = [
  { type: 'timestamptz', value: time },
  { type: 'timestamp', value: time },
];
const numbers = [integer, bigint, smallint, numeric, double];

/** Which types a column may have; the first two hundred of 255 are those of real switches. */
const optional: Readonly<Record<string, readonly TypeOf[]>> = {
  i_customer: [bigint, integer, numeric],
  cli: texts,
  cld: texts,
  cli_in: texts,
  call_id: texts,
  country: texts,
  region: texts,
  user_agent: texts,
  prefix: texts,
  setup_time: times,
  disconnect_time: times,
  charged_quantity: numbers,
  disconnect_cause: [integer, bigint, smallint],
  pdd: [numeric, double, integer],
};

export interface RandomTable {
  readonly columns: ReadonlyMap<string, TypeOf>;
  /** Creates it and fills it. */
  readonly sql: string;
}

export function randomTable(random: Random, rows: number): RandomTable {
  const columns = new Map<string, TypeOf>([
    ['duration', random.pick([numeric, double, integer])],
    ['charged_amount', random.pick([numeric, double])],
  ]);
  for (const [name, types] of Object.entries(optional)) {
    if (random.chance(0.85)) columns.set(name, random.pick(types));
  }
  const keyType = random.pick(['bigint', 'bigint', 'integer', 'smallint']);
  const accountType = random.pick(['bigint', 'integer']);
  const isNullable = random.chance(0.5);
  const definitions = [
    `i_xdr ${keyType}${isNullable && random.chance(0.3) ? '' : ' primary key'}`,
    `i_account ${accountType}`,
    `connect_time timestamptz${isNullable ? '' : ' not null'}`,
    ...[...columns].map(([name, { type }]) => `${name} ${type}`),
  ];
  const names = ['i_xdr', 'i_account', 'connect_time', ...columns.keys()];
  const lines = Array.from({ length: rows }, (_, index) => {
    const isOwn = random.chance(0.6);
    const mark = isOwn ? `own${index}` : `${FOREIGN}${index}`;
    const values = [...columns.values()].map(({ type, value }) =>
      random.chance(0.15) ? 'null' : `(${value(random, mark)})::${type}`,
    );
    const account = isNullable && random.chance(0.05) ? 'null' : isOwn ? OWN : OTHER;
    const connectTime = isNullable && random.chance(0.1) ? 'null' : time(random, mark);
    return `(${index + 1}, ${account}, (${connectTime})::timestamptz, ${values.join(', ')})`;
  });
  return {
    columns,
    sql: `
      create table xdrs (${definitions.join(', ')});
      create index on xdrs (i_account, connect_time desc, i_xdr desc);
      create index on xdrs (connect_time desc, i_xdr desc);
      grant select on xdrs to gateway_reader;
      insert into xdrs (${names.join(', ')}) values ${lines.join(',\n')}`,
  };
}

/** A statement of somebody who owns the table and thinks of nobody else. */
export function randomAlter(random: Random, { columns }: RandomTable): string {
  const name = random.pick([...columns.keys()].filter((each) => each in optional));
  const type = random.pick(optional[name]!).type;
  return random.pick([
    `alter table xdrs drop column if exists ${name}`,
    `alter table xdrs add column if not exists ${name} ${type}; grant select on xdrs to gateway_reader`,
    `do $$ begin alter table xdrs alter column ${name} type text using ${name}::text; exception when others then null; end $$`,
    `revoke select on xdrs from gateway_reader; grant select (i_xdr, i_account, connect_time, duration, charged_amount) on xdrs to gateway_reader`,
    'grant select on xdrs to gateway_reader',
    'alter table xdrs rename to old; create table xdrs as select * from old; drop table old; grant select on xdrs to gateway_reader',
    'drop index if exists xdrs_connect_time_i_xdr_idx',
    `alter table xdrs add column if not exists extra_${random.below(5)} int default 7`,
  ]);
}
