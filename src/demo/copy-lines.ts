import type { Account, Customer } from './accounts.ts';
import type { Call } from './calls.ts';

/** Rows in PostgreSQL's text format for COPY: fields between tabs, `\N` for null. */

/** The table and the columns in the order of `copyLine`: to be put into "copy … from stdin". */
export const XDRS = `xdrs (
  i_account, i_customer, cli, cld, cli_in, cld_in, setup_time, connect_time, disconnect_time, duration,
  charged_quantity, charged_amount, post_call_surcharge, disconnect_cause, disconnect_reason, call_id,
  prefix, country, region, remote_ip, pdd, release_source, user_agent, i_protocol
)`;

/** As XDRS, for `accountLine`. */
export const ACCOUNTS = 'accounts (i_account, i_customer, username, currency, time_zone, blocked)';

/** As XDRS, for `customerLine`. */
export const CUSTOMERS = 'customers (i_customer, name)';

const DAY = 86_400;

export function copyLine(call: Call): string {
  return `${call.accountId}\t${call.customerId}\t${text(call.caller.translated)}\t${text(call.called.translated)}\t${text(
    call.caller.received,
  )}\t${text(call.called.received)}\t${micros(call.setupMicros)}\t${second(call.connectSecond)}\t${second(
    call.disconnectSecond,
  )}\t${millis(call.durationMillis)}\t${call.billedSeconds}\t${money(call.amount)}\t${
    call.surcharge === null ? '\\N' : money(call.surcharge)
  }\t${call.cause}\t${text(call.reason)}\t${call.callId}\t${text(call.prefix)}\t${text(call.country)}\t${text(
    call.region,
  )}\t${call.remoteIp}\t${call.postDialDelayMillis === null ? '\\N' : millis(call.postDialDelayMillis)}\t${text(
    call.releaseSource,
  )}\t${text(call.userAgent)}\t${call.protocol}\n`;
}

export const accountLine = (account: Account): string =>
  `${account.id}\t${account.customerId}\t${text(account.username)}\t${account.currency}\t${account.timeZone}\t${account.blocked}\n`;

export const customerLine = (customer: Customer): string => `${customer.id}\t${text(customer.name)}\n`;

/** Null becomes `\N`; a backslash, a tab or a line end inside would break the row. */
export function text(value: string | null): string {
  if (value === null) return '\\N';
  return SPECIAL.test(value) ? value.replace(/[\\\t\n\r]/g, (character) => ESCAPES[character]!) : value;
}

const SPECIAL = /[\\\t\n\r]/;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** Millionths, as a decimal with six places; nothing as a plain 0. */
export function money(millionths: number): string {
  if (millionths === 0) return '0';
  const whole = Math.floor(millionths / 1_000_000);
  return `${whole}.${String(1_000_000 + (millionths - whole * 1_000_000)).slice(1)}`;
}

/** Thousandths, as a decimal with three places; nothing as a plain 0. */
function millis(thousandths: number): string {
  if (thousandths === 0) return '0';
  const whole = Math.floor(thousandths / 1000);
  return `${whole}.${THOUSANDTHS[thousandths - whole * 1000]}`;
}

const THOUSANDTHS = Array.from({ length: 1000 }, (_, value) => String(1000 + value).slice(1));

function second(epochSeconds: number): string {
  const day = Math.floor(epochSeconds / DAY);
  return `${dateOf(day)}${TIMES[epochSeconds - day * DAY]}+00`;
}

function micros(epochMicros: number): string {
  const epochSeconds = Math.floor(epochMicros / 1_000_000);
  const day = Math.floor(epochSeconds / DAY);
  const fraction = String(1_000_000 + (epochMicros - epochSeconds * 1_000_000)).slice(1);
  return `${dateOf(day)}${TIMES[epochSeconds - day * DAY]}.${fraction}+00`;
}

/** "09:05:07" for every second of a day. */
const TIMES = Array.from({ length: DAY }, (_, value) => {
  const two = (number: number) => String(100 + number).slice(1);
  return `${two(Math.floor(value / 3600))}:${two(Math.floor(value / 60) % 60)}:${two(value % 60)}`;
});

const dates = new Map<number, string>();

/** "2026-01-05 "; a load meets a month of days, again and again. */
function dateOf(day: number): string {
  let date = dates.get(day);
  if (date === undefined) {
    date = `${new Date(day * DAY * 1000).toISOString().slice(0, 10)} `;
    dates.set(day, date);
  }
  return date;
}
