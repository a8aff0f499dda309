/** The fifteen fields that every side answers, by the name in our answer, with the column behind them. */
export const fields = {
  id: 'i_xdr',
  callId: 'call_id',
  accountId: 'i_account',
  cli: 'cli',
  cld: 'cld',
  setupTime: 'setup_time',
  connectTime: 'connect_time',
  disconnectTime: 'disconnect_time',
  durationSeconds: 'duration',
  billedSeconds: 'charged_quantity',
  chargedAmount: 'charged_amount',
  disconnectCause: 'disconnect_cause',
  disconnectReason: 'disconnect_reason',
  prefix: 'prefix',
  country: 'country',
} as const;

const columns = Object.values(fields).join(', ');

/** The newest calls, of all accounts or of one, as every side selects them. */
export function callsSql(limit: number, accountId?: string): string {
  const where = accountId === undefined ? '' : `where i_account = ${accountId} `;
  return `select ${columns} from xdrs ${where}order by connect_time desc, i_xdr desc limit ${limit}`;
}

/** A call as a side answered it, or as PostgreSQL's text has it. */
export type Values = Readonly<Record<string, string | number | null>>;

const times: ReadonlySet<string> = new Set(['setupTime', 'connectTime', 'disconnectTime']);
const decimals: ReadonlySet<string> = new Set(['durationSeconds', 'chargedAmount']);

/** PostgreSQL's text of the row under the names of the answer. */
export function toCall(row: Values): Values {
  return Object.fromEntries(Object.entries(fields).map(([name, column]) => [name, row[column]!]));
}

/**
 * The field in which the two calls differ, if any: instants, numbers and texts are compared by what they mean, since
 * each side has its own way to write them.
 */
export function findDifference(
  expected: Values,
  actual: Values,
  precision: 'micros' | 'millis',
): string | undefined {
  return Object.keys(fields).find(
    (name) => interpret(name, expected[name], precision) !== interpret(name, actual[name], precision),
  );
}

function interpret(name: string, value: string | number | null | undefined, precision: 'micros' | 'millis') {
  if (value === null || value === undefined) return value;
  if (times.has(name)) return parseInstant(String(value), precision);
  if (decimals.has(name)) return Number(value);
  return String(value);
}

/** "2026-01-05 09:00:00.5+00" and "2026-01-05T09:00:00.500000Z" are the same. */
function parseInstant(text: string, precision: 'micros' | 'millis'): string {
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? '';
  const second = new Date(text.replace(' ', 'T').replace(/\.\d+/, '').replace(/\+00$/, 'Z')).toISOString();
  return `${second.slice(0, 19)}.${fraction.padEnd(6, '0').slice(0, precision === 'micros' ? 6 : 3)}`;
}
