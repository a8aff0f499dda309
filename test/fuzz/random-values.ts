import type { Random } from './random.ts';

/** What might be stored in a column, as SQL. `mark` is in every text, and says whose it is. */
export type Values = (random: Random, mark: string) => string;

export interface ColumnType {
  readonly type: string;
  readonly value: Values;
}

/** Literals of characters beyond ASCII, or of bytes that are no text, as a database of each encoding may hold them. */
const beyondAscii: Readonly<Record<string, readonly string[]>> = {
  UTF8: ["'é'", "'漢’'", "'😀'", "'＝1+1'", "U&'\\FEFF=1'"],
  LATIN1: ["E'\\xe9'", "E'\\x85'", "E'\\xff'"],
  WIN1252: ["E'\\xe9'", "E'\\x92'", "E'\\x81'", "E'\\x9d'"],
  SQL_ASCII: ["E'\\xe9'", "E'\\xc3\\xa9'", "E'\\xff\\xfe'", "E'\\xf0\\x9f'"],
};

function textIn(encoding: string): Values {
  const beyond = beyondAscii[encoding]!;
  return (random, mark) =>
    random.pick([
      `'${mark}'`,
      `'${mark}"\\,;'`,
      `'=${mark}+1'`,
      `' @${mark}'`,
      `'+49${random.below(1000)}' || '${random.chance(0.5) ? mark : ''}'`,
      `E'${mark}\\n\\t\\x01'`,
      `E'${mark}\\r\\n"x"'`,
      `'${mark}' || repeat('x', ${random.below(random.chance(0.1) ? 60_000 : 3000)})`,
      "''",
      "'0'",
      `'# INCOMPLETE ${mark}'`,
      `'${mark}' || ${random.pick(beyond)}`,
      `${random.pick(beyond)} || '${mark}'`,
    ]);
}

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
        '0.5',
        '2.5',
        '0.1',
        '3000000000',
        '2147483647.5',
        '-2147483648.5',
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
        "'9999-12-31 23:59:59.999999'",
        "'10000-01-01'",
        "'0001-01-01 BC'",
        "'0002-12-31 BC'",
      ])
    : `'2026-01-05 09:00:00'::timestamp + ${random.below(40)} * interval '0.5 seconds'`;

/** Around changes of the clock, in UTC: nights that have no last hour, days that are not there, half hours that come twice. */
const changes = [
  '2024-03-31 01:00',
  '2025-03-30 01:00',
  '2011-12-30 10:00',
  '2026-04-04 15:00',
  '2026-10-03 15:30',
];
const callTime: Values = (random, mark) =>
  random.chance(0.3)
    ? `'${random.pick(changes)}'::timestamp + ${random.below(180) - 90} * interval '1 minute'`
    : time(random, mark);

export const bigint: ColumnType = {
  type: 'bigint',
  value: whole('9999999999', '-9223372036854775808', '9223372036854775807', '9007199254740993'),
};
export const integer: ColumnType = { type: 'integer', value: whole('2147483647', '-2147483648') };
export const smallint: ColumnType = { type: 'smallint', value: whole('32767', '-32768') };
export const numeric: ColumnType = { type: 'numeric', value: fraction };
export const double: ColumnType = { type: 'double precision', value: fraction };
export const real: ColumnType = {
  type: 'real',
  value: (random) => random.pick(["'NaN'", "'Infinity'", '3e38', '0.5', '16777216', '-1.25']),
};
export const wholes: readonly ColumnType[] = [integer, bigint, smallint];
export const numbers: readonly ColumnType[] = [...wholes, numeric, double];
export const times: readonly ColumnType[] = [
  { type: 'timestamptz', value: time },
  { type: 'timestamp', value: time },
];
export const keyTime: Values = callTime;
export const flags: readonly ColumnType[] = [
  { type: 'boolean', value: (random) => random.pick(['true', 'false']) },
  { type: 'smallint', value: (random) => random.pick(['0', '1', '7']) },
];

export function textTypes(encoding: string): readonly ColumnType[] {
  const value = textIn(encoding);
  return [
    { type: 'text', value },
    { type: 'varchar(4000)', value },
  ];
}
