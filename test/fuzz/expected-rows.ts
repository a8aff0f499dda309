import { isUtf8 } from 'node:buffer';
import type { Principal } from './fuzz-client.ts';
import type { FuzzDatabase } from './fuzz-database.ts';
import type { RandomTables } from './random-table.ts';

/** What PostgreSQL itself says is stored, worked out from its catalogue as it is now. */

type Kind = 'id' | 'text' | 'time' | 'decimal' | 'integer';

interface Field {
  readonly field: string;
  readonly kind: Kind;
  /** Where the first of these that is there has it. */
  readonly from: readonly (readonly [table: string, column: string])[];
}

const field = (name: string, kind: Kind, ...from: (readonly [string, string])[]): Field => ({
  field: name,
  kind,
  from,
});

const fieldsOf: Readonly<Record<RandomTables['source'], readonly Field[]>> = {
  xdrs: [
    field('accountId', 'id', ['xdrs', 'i_account']),
    field('connectTime', 'time', ['xdrs', 'connect_time']),
    field('customerId', 'id', ['xdrs', 'i_customer']),
    field('cli', 'text', ['xdrs', 'cli']),
    field('cld', 'text', ['xdrs', 'cld']),
    field('cliIn', 'text', ['xdrs', 'cli_in']),
    field('callId', 'text', ['xdrs', 'call_id']),
    field('country', 'text', ['xdrs', 'country']),
    field('region', 'text', ['xdrs', 'region']),
    field('userAgent', 'text', ['xdrs', 'user_agent']),
    field('remoteIp', 'text', ['xdrs', 'remote_ip']),
    field('releaseSource', 'text', ['xdrs', 'release_source']),
    field('prefix', 'text', ['xdrs', 'prefix']),
    field('setupTime', 'time', ['xdrs', 'setup_time']),
    field('disconnectTime', 'time', ['xdrs', 'disconnect_time']),
    field('durationSeconds', 'decimal', ['xdrs', 'duration']),
    field('billedSeconds', 'integer', ['xdrs', 'charged_quantity']),
    field('chargedAmount', 'decimal', ['xdrs', 'charged_amount']),
    field('disconnectCause', 'integer', ['xdrs', 'disconnect_cause']),
    field('pddSeconds', 'decimal', ['xdrs', 'pdd']),
    field('protocol', 'integer', ['xdrs', 'i_protocol']),
  ],
  sippy: [
    field('accountId', 'id', ['cdrs', 'i_account']),
    field('connectTime', 'time', ['cdrs', 'connect_time']),
    field('customerId', 'id', ['cdrs', 'i_customer'], ['accounts', 'i_customer']),
    field('cli', 'text', ['calls', 'cli']),
    field('cld', 'text', ['calls', 'cld']),
    field('callId', 'text', ['calls', 'call_id']),
    field('setupTime', 'time', ['calls', 'setup_time']),
    field('cliIn', 'text', ['cdrs', 'cli_in']),
    field('cldIn', 'text', ['cdrs', 'cld_in']),
    field('region', 'text', ['cdrs', 'area_name']),
    field('userAgent', 'text', ['cdrs', 'user_agent']),
    field('remoteIp', 'text', ['cdrs', 'remote_ip']),
    field('releaseSource', 'text', ['cdrs', 'release_source']),
    field('prefix', 'text', ['cdrs', 'prefix']),
    field('disconnectTime', 'time', ['cdrs', 'disconnect_time']),
    field('durationSeconds', 'decimal', ['cdrs', 'duration']),
    field('billedSeconds', 'integer', ['cdrs', 'billed_duration']),
    field('chargedAmount', 'decimal', ['cdrs', 'cost']),
    field('disconnectCause', 'integer', ['cdrs', 'result']),
    field('pddSeconds', 'decimal', ['cdrs', 'pdd1xx']),
    field('protocol', 'integer', ['cdrs', 'i_protocol']),
  ],
};

/** Where a switch has the currency of an account: in the first of these that is there. */
const CURRENCIES = ['currency', 'payment_currency', 'iso_4217'];

/** Of a row: each field's value, null where nothing is stored, undefined where no type can say what is. */
export interface ExpectedRow {
  readonly account: string | null;
  readonly key: string | null;
  /** Connect time in microseconds since 1970, infinite ones included; null where nothing is stored. */
  readonly micros: number | null;
  /** Without its key: it is shown as null. */
  readonly isKeyless: boolean;
  readonly values: Readonly<Record<string, string | number | null | undefined>>;
  /** Of each text: its bytes as they are stored, null where nothing is. */
  readonly bytes: Readonly<Record<string, Buffer | null>>;
  /** Bytes of the currency of its account; null where it is unknown. */
  readonly currency: Buffer | null;
}

export interface ExpectedRows {
  readonly source: RandomTables['source'];
  readonly encoding: string;
  readonly fields: readonly string[];
  /** Newest first, as an administrator must see them. */
  readonly rows: readonly ExpectedRow[];
}

export async function expectedRows(
  { pool }: FuzzDatabase,
  { source }: RandomTables,
  encoding: string,
): Promise<ExpectedRows> {
  const types = await selectTypes(pool);
  const fields = fieldsOf[source].flatMap((each) => {
    const found = each.from.find(([table, column]) => types.has(`${table}.${column}`));
    const type = found && types.get(found.join('.'))!;
    return found && isShown(each.kind, type!) ? [{ ...each, reference: found.join('.'), type: type! }] : [];
  });
  const selected = fields.map(
    ({ field: name, kind, reference, type }) =>
      `case when ${reference} is not null then ${textOf(reference, kind, type)} end as "${name}"`,
  );
  const table = source === 'xdrs' ? 'xdrs' : 'cdrs';
  const key = source === 'xdrs' ? 'i_xdr' : 'i_cdr';
  const currency = CURRENCIES.find((name) => types.has(`accounts.${name}`));
  const { rows } = await pool.query(
    `select ${table}.i_account::text as "-account", ${table}.${key}::text as "-key",
       (extract(epoch from ${table}.connect_time) * 1000000)::text as "-micros",
       ${currency ? textOf(`accounts.${currency}`, 'text', 'text') : 'null'} as "-currency",
       ${selected.join(', ')}
     from ${table} ${source === 'sippy' && types.has('calls.i_call') ? 'left join calls on calls.i_call = cdrs.i_call' : ''}
     ${types.has('accounts.i_account') ? `left join accounts on accounts.i_account = ${table}.i_account` : ''}
     order by ${table}.connect_time desc, ${table}.${key} desc`,
  );
  const texts = fields.filter(({ kind }) => kind === 'text').map(({ field: name }) => name);
  return {
    source,
    encoding,
    fields: [...fields.map(({ field: name }) => name), 'currency'],
    rows: rows.map((row: Record<string, string | null>) => ({
      account: row['-account']!,
      key: row['-key']!,
      micros: row['-micros'] == null ? null : Number(row['-micros']),
      isKeyless: row['-key'] === null || row['-micros'] === null,
      bytes: Object.fromEntries(texts.map((name) => [name, bytesOf(row[name]!)])),
      currency: withoutBlanks(bytesOf(row['-currency']!)),
      values: Object.fromEntries([
        ...fields.map(({ field: name, kind }) => [name, shownValue(kind, row[name]!, encoding)]),
        ['currency', textOfBytes(withoutBlanks(bytesOf(row['-currency']!)), encoding)],
      ]),
    })),
  };
}

async function selectTypes(pool: FuzzDatabase['pool']): Promise<ReadonlyMap<string, string>> {
  const { rows } = await pool.query(
    `select relname || '.' || attname as name, format_type(atttypid, null) as type
     from pg_attribute join pg_class on pg_class.oid = attrelid
     where relname in ('xdrs', 'cdrs', 'calls', 'accounts', 'customers') and attnum > 0 and not attisdropped`,
  );
  return new Map(rows.map(({ name, type }: Record<string, string>) => [name!, type!]));
}

const isText = (type: string) => /^(text|character varying)$/.test(type);

function isShown(kind: Kind, type: string): boolean {
  if (kind === 'text') return true;
  if (kind === 'time') return type.startsWith('timestamp');
  return !isText(type) && !type.startsWith('timestamp');
}

/** PostgreSQL's own text for what can be said, and a word for the rest. */
function textOf(reference: string, kind: Kind, type: string): string {
  if (kind === 'text') return `encode(convert_to(${reference}::text, getdatabaseencoding()), 'hex')`;
  if (kind === 'time') {
    const utc = type === 'timestamp with time zone' ? `(${reference} at time zone 'UTC')` : reference;
    // Compared as it is stored: rounded by an ALTER TYPE it may be beyond what has a time of day in any zone.
    return `case when isfinite(${reference}) and ${reference} >= '0001-01-01 00:00:00+00 BC'
        and ${reference} < '10000-01-01 00:00:00+00'
      then to_char(${utc}, case when ${utc} < '0001-01-01' then '"0000"' else 'YYYY' end || '-MM-DD"T"HH24:MI:SS.US"Z"')
      else 'unreadable' end`;
  }
  const isNumber = `${reference}::numeric not in ('NaN', 'Infinity', '-Infinity')`;
  if (kind === 'decimal')
    return `case when ${isNumber} then ${reference}::numeric::text else 'unreadable' end`;
  if (kind === 'id') {
    return `case when ${isNumber} and ${reference}::numeric = trunc(${reference}::numeric)
      and ${reference}::numeric between -9223372036854775808 and 9223372036854775807
      then trim_scale(${reference}::numeric)::text else 'unreadable' end`;
  }
  const rounded =
    type === 'double precision' ? `round(${reference})::numeric` : `round(${reference}::numeric)`;
  return `case when ${isNumber} and ${rounded} between -2147483648 and 2147483647
    then ${rounded}::text else 'unreadable' end`;
}

function bytesOf(hex: string | null): Buffer | null {
  return hex === null ? null : Buffer.from(hex, 'hex');
}

function textOfBytes(bytes: Buffer | null, encoding: string): string | null | undefined {
  return bytes && decodedText(bytes, encoding);
}

/** A currency of nothing but spaces is none. */
function withoutBlanks(bytes: Buffer | null): Buffer | null {
  const text = bytes?.toString('latin1').replace(/^ +| +$/g, '');
  return text ? Buffer.from(text, 'latin1') : null;
}

function shownValue(kind: Kind, text: string | null, encoding: string): string | number | null | undefined {
  if (text === null) return null;
  if (kind === 'text') return decodedText(Buffer.from(text, 'hex'), encoding);
  if (text === 'unreadable') return undefined;
  return kind === 'integer' ? Number(text) : text;
}

/** Bytes of Windows-1252 that mean nothing. */
const NO_TEXT = new Set([0x81, 0x8d, 0x8f, 0x90, 0x9d]);

/** Undefined where they are no text. */
export function decodedText(bytes: Buffer, encoding: string): string | undefined {
  if (encoding === 'LATIN1') return bytes.toString('latin1');
  if (encoding !== 'WIN1252') return isUtf8(bytes) ? bytes.toString() : undefined;
  return bytes.some((byte) => NO_TEXT.has(byte)) ? undefined : new TextDecoder('windows-1252').decode(bytes);
}

/** Undefined for a text that no column of this encoding can hold. */
export function encodedText(text: string, encoding: string): Buffer | undefined {
  if (encoding === 'UTF8' || encoding === 'SQL_ASCII') return Buffer.from(text);
  const bytes = Array.from(text, (character) =>
    BYTES.find((byte) => decodedText(Buffer.from([byte]), encoding) === character),
  );
  return bytes.includes(undefined) ? undefined : Buffer.from(bytes as number[]);
}

const BYTES = Array.from({ length: 256 }, (_, byte) => byte);

export function visibleTo({ isAdmin, accounts }: Principal, { rows }: ExpectedRows): readonly ExpectedRow[] {
  if (isAdmin) return rows;
  return rows.filter(({ account }) => account !== null && accounts.includes(Number(account)));
}
