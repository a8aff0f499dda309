import type { TestDatabase } from '../support/postgres.ts';
import type { RandomTable } from './random-table.ts';

const names: Readonly<Record<string, string>> = {
  i_customer: 'customerId',
  cli: 'cli',
  cld: 'cld',
  cli_in: 'cliIn',
  call_id: 'callId',
  country: 'country',
  region: 'region',
  user_agent: 'userAgent',
  prefix: 'prefix',
  setup_time: 'setupTime',
  disconnect_time: 'disconnectTime',
  duration: 'durationSeconds',
  charged_quantity: 'billedSeconds',
  charged_amount: 'chargedAmount',
  disconnect_cause: 'disconnectCause',
  pdd: 'pddSeconds',
};
const ids = new Set(['i_customer']);
const integers = new Set(['charged_quantity', 'disconnect_cause']);

/** Of a row: each field's value, null where nothing is stored, undefined where no type can say what is. Null: no row. */
export type ExpectedRow = Readonly<Record<string, string | number | null | undefined>> | null;

/** PostgreSQL's own text for what can be said, and a word for the rest. */
function textOf(column: string, type: string): string {
  if (/^time/.test(type)) {
    const utc = type === 'timestamptz' ? `(${column} at time zone 'UTC')` : column;
    return `case when isfinite(${column}) and ${utc} >= '0001-01-01 BC' and ${utc} < '10000-01-01'
      then to_char(${utc}, case when ${utc} < '0001-01-01' then '"0000"' else 'YYYY' end || '-MM-DD"T"HH24:MI:SS.US"Z"')
      else 'unreadable' end`;
  }
  if (/^(text|varchar)/.test(type)) return `'=' || ${column}`;
  const isNumber = `${column}::numeric not in ('NaN', 'Infinity', '-Infinity')`;
  if (ids.has(column)) {
    return `case when ${isNumber} and ${column}::numeric = trunc(${column}::numeric)
      and ${column}::numeric between -9223372036854775808 and 9223372036854775807
      then trim_scale(${column}::numeric)::text else 'unreadable' end`;
  }
  if (!integers.has(column))
    return `case when ${isNumber} then ${column}::numeric::text else 'unreadable' end`;
  const rounded = type === 'double precision' ? `round(${column})::numeric` : `round(${column}::numeric)`;
  return `case when ${isNumber} and ${rounded} between -2147483648 and 2147483647
    then ${rounded}::text else 'unreadable' end`;
}

/** Newest first, as an administrator must see them. */
export async function expectedRows(
  { pool }: TestDatabase,
  { columns }: RandomTable,
): Promise<{ fields: string[]; rows: ExpectedRow[] }> {
  const list = [...columns].filter(([name]) => name in names);
  const selected = list.map(
    ([name, { type }]) => `case when ${name} is not null then ${textOf(name, type)} end as "${name}"`,
  );
  const { rows } = await pool.query(
    `select i_xdr is null or connect_time is null as "isUnreadable", ${selected.join(', ')}
     from xdrs order by connect_time desc, i_xdr desc`,
  );
  return {
    fields: list.map(([name]) => names[name]!),
    rows: rows.map((row) =>
      row.isUnreadable
        ? null
        : Object.fromEntries(list.map(([name, { type }]) => [names[name]!, valueIn(name, type, row[name])])),
    ),
  };
}

function valueIn(name: string, type: string, text: string | null): string | number | null | undefined {
  if (text === null) return null;
  if (/^(text|varchar)/.test(type)) return text.slice(1);
  if (text === 'unreadable') return undefined;
  return integers.has(name) ? Number(text) : text;
}
