import type { XdrsModel } from '../sources/sources.ts';
import { type Format, formats } from '../wire/bind-message.ts';

/**
 * How a value travels: its PostgreSQL type, and what JSON makes of it.
 *
 * - `id`: bigint, a JSON string (JavaScript numbers stop being exact at 2^53)
 * - `text`: a JSON string
 * - `timestamp`: timestamptz, an RFC 3339 string in UTC with microseconds
 * - `decimal`: numeric, a JSON string, because money is not a float
 * - `integer`: int4, a JSON number
 */
export type WireType = 'id' | 'text' | 'timestamp' | 'decimal' | 'integer';

/**
 * What rows are asked for. Times are cheaper to PostgreSQL in binary; for everything else it makes a kilobyte of
 * scratch space per binary value, which costs more than printing it.
 */
export const wireFormats = {
  id: formats.text,
  text: formats.text,
  timestamp: formats.binary,
  decimal: formats.text,
  integer: formats.text,
} as const satisfies Record<WireType, Format>;

export interface CdrColumn {
  readonly wire: WireType;
  /** False only where the switch always writes a value. */
  readonly nullable: boolean;
}

const required = (wire: WireType): CdrColumn => ({ wire, nullable: false });
const optional = (wire: WireType): CdrColumn => ({ wire, nullable: true });

/**
 * The columns of a call that the API may show. Units, null meanings and surprises, which no generator knows:
 * a column is here once, and both the ordinary executor and the streaming path read it from here.
 */
export const cdrColumns = {
  /** Key, growing as calls *end*; neither gap-free nor in connect time order. */
  i_xdr: required('id'),
  i_account: required('id'),
  /** Null where the switch does not write the owner of the account into the call. */
  i_customer: optional('id'),
  /** SIP Call-ID. */
  call_id: optional('text'),
  /** Calling number after translation. Text: it may be `anonymous`, empty, or begin with `+` or `00`. */
  cli: optional('text'),
  /** Called number after translation. */
  cld: optional('text'),
  /** Calling number as received. */
  cli_in: optional('text'),
  /** Called number as received. */
  cld_in: optional('text'),
  setup_time: optional('timestamp'),
  /** Filled for failed calls too (then equal to the disconnect time). Often whole seconds: many calls tie. */
  connect_time: required('timestamp'),
  disconnect_time: optional('timestamp'),
  /** Seconds of conversation, fractional. 0 for a failed attempt. */
  duration: optional('decimal'),
  /** Seconds charged for, after the tariff's rounding. */
  charged_quantity: optional('integer'),
  /** In the currency of the account; the row does not say which. */
  charged_amount: optional('decimal'),
  /** ITU-T Q.850 cause; with the `sippy` source the switch's own result code. */
  disconnect_cause: optional('integer'),
  disconnect_reason: optional('text'),
  /** Derived by the source from cause and duration: one of CallOutcome. */
  outcome: optional('text'),
  /** Matched rate prefix. Text; may hold a sentinel such as `external_translation_error`. */
  prefix: optional('text'),
  country: optional('text'),
  region: optional('text'),
  remote_ip: optional('text'),
  /** Post-dial delay in seconds. */
  pdd: optional('decimal'),
  /** `caller` or `callee`; empty for many failed calls. */
  release_source: optional('text'),
  user_agent: optional('text'),
} as const satisfies Partial<Record<keyof XdrsModel, CdrColumn>>;

export type CdrColumnName = keyof typeof cdrColumns;
