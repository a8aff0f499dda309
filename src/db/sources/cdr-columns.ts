import { sql } from 'kysely';
import { type Format, formats } from '../wire/bind-message.ts';
import type { ValueSql } from './columns.ts';
import { type TextsSql, textName } from './derived-table.ts';
import type { Source, SourceName, UnshownColumn, XdrsModel } from './model.ts';
import {
  inCalls,
  inCdrs,
  type SippyColumn,
  sippyCountry,
  sippyCustomer,
  sippyOutcome,
  sippyReason,
  sippyRegion,
} from './sippy-columns.ts';

/**
 * How a value travels, and what JSON makes of it.
 *
 * - `id`: a JSON string (JavaScript numbers stop being exact at 2^53)
 * - `text`: a JSON string
 * - `timestamp`: an RFC 3339 string in UTC with microseconds
 * - `decimal`: a JSON string, because money is not a float
 * - `integer`: a JSON number
 */
export type WireType = 'id' | 'text' | 'timestamp' | 'decimal' | 'integer';

/**
 * The format that rows are requested in. Times are cheaper to PostgreSQL in binary; for everything else it makes a
 * kilobyte of scratch space per binary value, which costs more than printing it.
 */
export const wireFormats = {
  id: formats.text,
  text: formats.text,
  timestamp: formats.binary,
  decimal: formats.text,
  integer: formats.text,
} as const satisfies Record<WireType, Format>;

/** PostgreSQL's type, and the way it travels. Only a text can be the number of a person, and must say whether it is. */
const id = { type: 'bigint', wire: 'id', isNumber: false } as const;
const text = { type: 'text', wire: 'text' } as const;
const timestamp = { type: 'timestamp with time zone', wire: 'timestamp', isNumber: false } as const;
const decimal = { type: 'numeric', wire: 'decimal', isNumber: false } as const;
const integer = { type: 'integer', wire: 'integer', isNumber: false } as const;
const smallint = { type: 'smallint', wire: 'integer', isNumber: false } as const;

type Typed<Value> = Value extends number
  ? typeof integer | typeof smallint
  : typeof id | typeof text | typeof timestamp | typeof decimal;

/** What is said of a column, apart from its types. */
interface Declared {
  /** False only where the switch always writes a value. */
  readonly nullable: boolean;
  /** Sources that cannot say anything true about a call without it. Others answer null where it is missing. */
  readonly requiredBy?: readonly SourceName[];
  /** Many switches have no such column, so that its absence is not worth a warning. */
  readonly rare?: true;
  /** A number of a person: principals without the permission for numbers see it masked, or not at all. */
  readonly isNumber: boolean;
  /** Null where a Sippy has nothing that means the same; the value is then always null. */
  readonly sippy: SippyColumn | null;
  /** Unit, null and surprises, for analysts: the description of the field in the API, and in docs/fields.md. */
  readonly meaning: string;
}

/** Of a column whose values have this type in `Xdrs`: not nullable only where the table says so too. */
export type CdrColumnOf<Value> = Declared &
  Typed<NonNullable<Value>> &
  (null extends Value ? { readonly nullable: true } : unknown);

export type CdrColumn = Declared & Typed<string | number>;

/** Of columns that many switches have as `double precision`, and every Sippy. */
const FLOATS =
  'Where the switch stores binary floating point, as every Sippy does, it is the decimal of its first 15 significant ' +
  'digits; a value that is no finite number is unreadable.';

const everySource = ['xdrs', 'sippy'] as const;

/**
 * The columns of a call: one row each, and everything else reads it from here (what the sources select, what the
 * catalogue check requires, the fields of the schema, the encoders of streamed lists, docs/fields.md). In `xdrs` the
 * column has the same name; `outcome` is worked out by the source. The compiler rejects a column of the migrated table
 * that has no row.
 */
export const cdrColumns = {
  i_xdr: {
    ...id,
    nullable: false,
    requiredBy: everySource,
    sippy: inCdrs('i_cdr'),
    meaning:
      'The key of the call. It grows as calls end, so it is neither gap-free nor in connect time order.',
  },
  i_account: {
    ...id,
    nullable: false,
    requiredBy: everySource,
    sippy: inCdrs('i_account'),
    meaning: 'The account the call is charged to.',
  },
  i_customer: {
    ...id,
    nullable: true,
    sippy: sippyCustomer,
    meaning: 'The customer who owns the account.',
  },
  cli: {
    ...text,
    nullable: true,
    isNumber: true,
    sippy: inCalls('cli'),
    meaning:
      'Calling number (A-number) after translation. Text: it may be `anonymous`, or begin with `+` or `00`.',
  },
  cld: {
    ...text,
    nullable: true,
    isNumber: true,
    sippy: inCalls('cld'),
    meaning: 'Called number (B-number) after translation.',
  },
  cli_in: {
    ...text,
    nullable: true,
    isNumber: true,
    sippy: inCdrs('cli_in'),
    meaning: 'Calling number as the switch received it.',
  },
  cld_in: {
    ...text,
    nullable: true,
    isNumber: true,
    sippy: inCdrs('cld_in'),
    meaning: 'Called number as the switch received it.',
  },
  setup_time: {
    ...timestamp,
    nullable: true,
    sippy: inCalls('setup_time'),
    meaning: 'When the call attempt reached the switch.',
  },
  connect_time: {
    ...timestamp,
    nullable: false,
    requiredBy: everySource,
    sippy: inCdrs('connect_time'),
    meaning:
      'When the called side answered; for a failed call, when it failed. Calls are listed by this time. Switches ' +
      'often write whole seconds, so many calls share one.',
  },
  disconnect_time: {
    ...timestamp,
    nullable: true,
    sippy: inCdrs('disconnect_time'),
    meaning: 'When the call ended.',
  },
  // A duration or an amount that is missing would count as zero in every sum, so both are required.
  duration: {
    ...decimal,
    nullable: true,
    requiredBy: everySource,
    sippy: inCdrs('duration'),
    meaning: `Seconds of conversation, fractions included. 0 for a failed call. ${FLOATS}`,
  },
  charged_quantity: {
    ...integer,
    nullable: true,
    // Whole seconds in a float after the tariff's rounding, so the nearest integer and not the next.
    sippy: inCdrs('billed_duration'),
    meaning: "Seconds charged for, after the tariff's rounding. 0 for a failed call.",
  },
  charged_amount: {
    ...decimal,
    nullable: true,
    requiredBy: everySource,
    sippy: inCdrs('cost'),
    meaning: `What the call cost, exactly, in the account's currency: \`currency\`. ${FLOATS}`,
  },
  post_call_surcharge: {
    ...decimal,
    nullable: true,
    // A Sippy's column of this name is the tariff's fraction, not an amount.
    sippy: null,
    meaning:
      "What the tariff adds once the call has ended, in the account's currency; whether `chargedAmount` includes it " +
      'depends on the switch. Always null on a Sippy source.',
  },
  disconnect_cause: {
    ...integer,
    nullable: true,
    // The outcome of a Sippy's call is worked out from its result.
    requiredBy: ['sippy'],
    sippy: inCdrs('result'),
    meaning:
      'Why the call ended: the ITU-T Q.850 cause (16 normal, 17 busy, 34 no circuit, …). On a Sippy source the ' +
      "switch's own result: 0 success, above 0 a SIP status, below 0 an internal error.",
  },
  disconnect_reason: {
    ...text,
    nullable: true,
    isNumber: false,
    sippy: sippyReason,
    meaning: 'The cause in words.',
  },
  outcome: {
    ...text,
    nullable: true,
    isNumber: false,
    sippy: sippyOutcome,
    meaning:
      'What became of the call, derived from cause and duration. Null when the cause is unknown, and when the duration ' +
      'decides and is no finite number.',
  },
  call_id: {
    ...text,
    nullable: true,
    isNumber: false,
    sippy: inCalls('call_id'),
    meaning: 'The SIP Call-ID, to find the call in a trace.',
  },
  prefix: {
    ...text,
    nullable: true,
    isNumber: false,
    sippy: inCdrs('prefix'),
    meaning: 'The rate prefix that priced the call. Text: a switch may write a word here when rating failed.',
  },
  country: {
    ...text,
    nullable: true,
    isNumber: false,
    sippy: sippyCountry,
    meaning: 'Country of the called number, from the rate prefix.',
  },
  region: {
    ...text,
    nullable: true,
    isNumber: false,
    sippy: sippyRegion,
    meaning: 'Part of the country, or kind of line, from the rate prefix.',
  },
  remote_ip: {
    ...text,
    nullable: true,
    isNumber: false,
    sippy: inCdrs('remote_ip'),
    meaning: 'Address the call came from.',
  },
  pdd: {
    ...decimal,
    nullable: true,
    sippy: inCdrs('pdd1xx'),
    meaning: `Post-dial delay: seconds from the INVITE to the first ringing. Null when nothing rang. ${FLOATS}`,
  },
  release_source: {
    ...text,
    nullable: true,
    isNumber: false,
    sippy: inCdrs('release_source'),
    meaning: 'Who hung up: `caller` or `callee`. Null or empty for many failed calls.',
  },
  user_agent: {
    ...text,
    nullable: true,
    isNumber: false,
    sippy: inCdrs('user_agent'),
    meaning: "The caller's equipment, as it names itself.",
  },
  i_protocol: {
    ...smallint,
    nullable: true,
    sippy: inCdrs('i_protocol'),
    meaning: 'The signalling protocol the call came in by, as the switch numbers its protocols: 1 is SIP.',
  },
  p_asserted_id: {
    ...text,
    nullable: true,
    isNumber: true,
    rare: true,
    sippy: inCdrs('p_asserted_id'),
    meaning:
      'Who is calling, as the network vouches for it (SIP P-Asserted-Identity). A caller may show another number as ' +
      '`cli`. Null where the switch recorded none.',
  },
} as const satisfies { readonly [Name in ShownColumn]: CdrColumnOf<XdrsModel[Name]> };

type ShownColumn = Exclude<keyof XdrsModel, UnshownColumn>;

export type CdrColumnName = keyof typeof cdrColumns;

/** In the order of their declaration. */
export const cdrColumnNames = Object.keys(cdrColumns) as CdrColumnName[];

/** Columns that not every principal sees: see `isNumber`. */
export const numberColumns = cdrColumnNames.filter((name) => cdrColumns[name].isNumber);

/** The declaration of a column, where only what all of them have in common matters. */
export const cdrColumn = (name: CdrColumnName): CdrColumn => cdrColumns[name];

/** The PostgreSQL type of each column of the model: what a source casts to when the switch has another. */
export const xdrsTypes = {
  ...(Object.fromEntries(cdrColumnNames.map((name) => [name, cdrColumns[name].type])) as {
    [Name in CdrColumnName]: (typeof cdrColumns)[Name]['type'];
  }),
  successful: 'boolean',
  is_quantity_unreadable: 'boolean',
} as const satisfies Record<keyof XdrsModel, string>;

/**
 * Columns that a source cannot do without and that are not there, with those that are worked out from them. Before the
 * gateway starts there are none; beneath one that runs the table may change.
 */
export function findGone(
  name: SourceName,
  columns: Readonly<Record<CdrColumnName, ValueSql>>,
  workedOutFrom: readonly CdrColumnName[],
): ReadonlySet<keyof XdrsModel> {
  const required = cdrColumnNames.filter((column) => cdrColumn(column).requiredBy?.includes(name));
  const gone = new Set<keyof XdrsModel>(required.filter((column) => columns[column] === null));
  if (workedOutFrom.some((column) => gone.has(column))) gone.add('outcome').add('successful');
  return gone;
}

/** The expressions of `textSql` for the columns that have one. */
export function textsSql(textOf: (name: CdrColumnName) => ValueSql): TextsSql<XdrsModel> {
  const found = cdrColumnNames.map((name) => [name, textOf(name)] as const);
  return Object.fromEntries(found.filter(([, text]) => text !== null));
}

/**
 * A column of the relation `xdrs` as lists show it: in the type it is declared with, whatever the table's has become
 * since the catalogue was read, or as text where its values may be beyond that.
 */
export function shownSql({ shownFromText }: Pick<Source, 'shownFromText'>, name: CdrColumnName) {
  const value = shownFromText.has(name)
    ? sql`${sql.ref(`xdrs.${textName(name)}`)}`
    : sql`${sql.ref(`xdrs.${name}`)}::${sql.raw(xdrsTypes[name])}`;
  return value.as<CdrColumnName>(name);
}
