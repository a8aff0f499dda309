import { type ExpectedRow, type ExpectedRows, visibleTo } from './expected-rows.ts';
import type { Principal } from './fuzz-client.ts';
import type { Random } from './random.ts';

/** Filters of any depth, and the many ways to write the same one. */

export const NUMBER_PARTS = ['is', 'startsWith', 'endsWith', 'contains'] as const;
export const CALL_TYPES = ['NON_ZERO', 'NON_ZERO_AND_ERRORS', 'COMPLETE', 'INCOMPLETE', 'ERRORS'] as const;
const OUTCOMES = [
  'ANSWERED',
  'CANCELLED',
  'BUSY',
  'NO_ANSWER',
  'REJECTED',
  'UNREACHABLE',
  'REFUSED',
  'NETWORK',
];

/** What a part of a filter restricts, by the field that it is compared with. */
export const listParts = {
  callIds: 'callId',
  releaseSources: 'releaseSource',
  countries: 'country',
  regions: 'region',
  prefixes: 'prefix',
} as const;
export type ListPart = keyof typeof listParts;

export type NumberFilter = Partial<Record<(typeof NUMBER_PARTS)[number], string>>;

/** A filter, each value in one form. */
export interface RandomFilter extends Partial<Record<ListPart, readonly string[]>> {
  accountIds?: readonly string[];
  customerIds?: readonly string[];
  /** Milliseconds since 1970. */
  from?: number;
  to?: number;
  cli?: NumberFilter;
  cld?: NumberFilter;
  type?: (typeof CALL_TYPES)[number];
  disconnectCauses?: readonly number[];
  outcomes?: readonly string[];
  minDurationSeconds?: string;
  maxDurationSeconds?: string;
  minPddSeconds?: string;
  remoteIp?: string;
  not?: RandomFilter;
  anyOf?: readonly RandomFilter[];
}

/** How many filters there may be in one, and how deep. */
export const MAX_FILTERS = 50;
export const MAX_DEPTH = 10;

export function randomFilter(random: Random, stored: ExpectedRows, principal: Principal): RandomFilter {
  const rows = visibleTo(principal, stored);
  let left = random.chance(0.15) ? MAX_FILTERS : 1 + random.below(6);
  const depth = random.chance(0.15) ? MAX_DEPTH : 3;
  const make = (deep: number): RandomFilter => {
    left--;
    const filter: RandomFilter = {};
    const count = random.pick([0, 1, 1, 2]);
    for (const name of count === 0 ? [] : random.some(Object.keys(makers), count))
      makers[name]!(filter, random, rows);
    if (deep < depth && left > 0 && random.chance(0.6)) filter.not = make(deep + 1);
    if (deep < depth && random.chance(0.5)) {
      const branches: RandomFilter[] = [];
      for (let branch = random.below(4); branch > 0 && left > 0; branch--) branches.push(make(deep + 1));
      if (branches.length > 0 || random.chance(0.2)) filter.anyOf = branches;
    }
    return filter;
  };
  return make(0);
}

/** One filter too many, or too deep. */
export function filterBeyondLimits(random: Random): RandomFilter {
  const type = 'COMPLETE';
  if (random.chance(0.5)) return { anyOf: Array.from({ length: MAX_FILTERS }, () => ({ type })) };
  let filter: RandomFilter = { type };
  for (let deep = 0; deep <= MAX_DEPTH; deep++)
    filter = random.chance(0.5) ? { not: filter } : { anyOf: [filter] };
  return filter;
}

type Maker = (filter: RandomFilter, random: Random, rows: readonly ExpectedRow[]) => void;

/** Of a call, or what is in none. */
function textIn(random: Random, rows: readonly ExpectedRow[], field: string): string {
  const found = rows.length > 0 && random.chance(0.7) ? random.pick(rows).values[field] : undefined;
  if (typeof found === 'string' && found.length < 100) return found;
  return random.pick(['', '0', 'OWN', 'é', '漢’', '’', '%', '_', '\\', '+49', ' ', 'x', '\u0085', '？']);
}

function texts(random: Random, rows: readonly ExpectedRow[], field: string): string[] {
  return Array.from({ length: random.below(4) }, () => textIn(random, rows, field));
}

function seconds(random: Random, rows: readonly ExpectedRow[], field: string): string {
  const found = rows.length > 0 && random.chance(0.5) ? random.pick(rows).values[field] : undefined;
  if (typeof found === 'string' && /^\d{1,9}(\.\d{1,6})?$/.test(found)) return found;
  return random.pick(['0', '0.5', '2.5', '6', '100', '3000000000', '-0.25', '0.1']);
}

const instant = (random: Random) => Date.UTC(2026, 0, 5, 9) + random.below(40) * 500;

/** Of a number only a piece, as somebody would look for it. */
function numberFilter(random: Random, rows: readonly ExpectedRow[], field: string): NumberFilter {
  const filter: NumberFilter = {};
  for (const part of random.some(NUMBER_PARTS, 2)) {
    const whole = Array.from(textIn(random, rows, field));
    const at = random.below(whole.length + 1);
    const end = at + random.below(whole.length - at + 1);
    if (part === 'is') filter.is = whole.join('');
    else if (part === 'startsWith') filter.startsWith = whole.slice(0, at).join('');
    else if (part === 'endsWith') filter.endsWith = whole.slice(at).join('');
    else filter.contains = whole.slice(at, end).join('');
  }
  return filter;
}

const makers: Readonly<Record<string, Maker>> = {
  accountIds(filter, random) {
    filter.accountIds = random.chance(0.1)
      ? []
      : random.some(['14', '15', '16', '17', '-9223372036854775808']);
  },
  customerIds(filter, random, rows) {
    const stored = rows.flatMap(({ values }) =>
      typeof values.customerId === 'string' ? [values.customerId] : [],
    );
    filter.customerIds = random.some(['3', '4', '9223372036854775807', ...stored.slice(0, 5)], 3);
  },
  from(filter, random) {
    filter.from = instant(random);
  },
  to(filter, random) {
    filter.to = instant(random);
  },
  times(filter, random) {
    filter.from = instant(random);
    filter.to = filter.from + 500 * (1 + random.below(20));
  },
  cli(filter, random, rows) {
    filter.cli = numberFilter(random, rows, 'cli');
  },
  cld(filter, random, rows) {
    filter.cld = numberFilter(random, rows, 'cld');
  },
  type(filter, random) {
    filter.type = random.pick(CALL_TYPES);
  },
  types(filter, random) {
    filter.type = random.pick(CALL_TYPES);
  },
  disconnectCauses(filter, random, rows) {
    const stored = rows.flatMap(({ values }) =>
      typeof values.disconnectCause === 'number' ? [values.disconnectCause] : [],
    );
    filter.disconnectCauses = random.some([16, 0, 200, 2147483647, -2147483648, ...stored.slice(0, 9)], 4);
  },
  outcomes(filter, random) {
    filter.outcomes = random.some(OUTCOMES, 3);
  },
  minDurationSeconds(filter, random, rows) {
    filter.minDurationSeconds = seconds(random, rows, 'durationSeconds');
  },
  maxDurationSeconds(filter, random, rows) {
    filter.maxDurationSeconds = seconds(random, rows, 'durationSeconds');
  },
  minPddSeconds(filter, random, rows) {
    filter.minPddSeconds = seconds(random, rows, 'pddSeconds');
  },
  remoteIp(filter, random, rows) {
    filter.remoteIp = textIn(random, rows, 'remoteIp');
  },
  ...Object.fromEntries(
    Object.entries(listParts).map(([part, field]): [string, Maker] => [
      part,
      (filter, random, rows) => {
        filter[part as ListPart] = texts(random, rows, field);
      },
    ]),
  ),
};

/** One way to write a filter. */
export interface Spelling {
  /** In a document. */
  readonly literal: string;
  /** In a variable of type `CdrFilter`. */
  readonly json: unknown;
}

/** One of the many that mean the same list. */
export function spellFilter(random: Random, filter: RandomFilter): Spelling {
  const parts: [string, Spelling][] = [];
  for (const [name, value] of Object.entries(filter)) {
    if (value !== undefined) parts.push([name, spellPart(random, name, value)]);
  }
  if (filter.type === undefined && random.chance(0.3)) parts.push(['type', { literal: 'ALL', json: 'ALL' }]);
  const missing = ['remoteIp', 'cld', 'countries', 'not', 'minDurationSeconds'].filter(
    (name) => !(name in filter),
  );
  for (const name of missing) if (random.chance(0.1)) parts.push([name, { literal: 'null', json: null }]);
  return objectOf(shuffled(random, parts));
}

function spellPart(random: Random, name: string, value: unknown): Spelling {
  if (name === 'not') return spellFilter(random, value as RandomFilter);
  if (name === 'anyOf') {
    // Which of them comes first does not matter.
    return listOf(shuffled(random, value as RandomFilter[]).map((each) => spellFilter(random, each)));
  }
  if (name === 'from' || name === 'to') return spellInstant(random, value as number);
  if (name === 'type') return { literal: String(value), json: value };
  if (name === 'outcomes')
    return listOf(again(random, value as string[]).map((json) => ({ literal: json, json })));
  if (/Seconds$/.test(name)) return spellDecimal(random, String(value));
  if (/^(account|customer)Ids$/.test(name))
    return listOf(again(random, value as string[]).map((id) => spellId(random, id)));
  if (Array.isArray(value)) return listOf(again(random, value).map(plain));
  if (typeof value === 'object')
    return objectOf(
      shuffled(
        random,
        Object.entries(value!).map(([part, text]) => [part, plain(text)]),
      ),
    );
  return plain(value);
}

const plain = (json: unknown): Spelling => ({ literal: JSON.stringify(json), json });

function objectOf(parts: readonly (readonly [string, Spelling])[]): Spelling {
  return {
    literal: `{ ${parts.map(([name, { literal }]) => `${name}: ${literal}`).join(', ')} }`,
    json: Object.fromEntries(parts.map(([name, { json }]) => [name, json])),
  };
}

function listOf(items: readonly Spelling[]): Spelling {
  return {
    literal: `[${items.map(({ literal }) => literal).join(', ')}]`,
    json: items.map(({ json }) => json),
  };
}

function shuffled<T>(random: Random, values: readonly T[]): T[] {
  return values.length === 0 ? [] : [...values].sort(() => random.next() - 0.5);
}

/** In another order, and one of them twice. */
function again<T>(random: Random, values: readonly T[]): T[] {
  return shuffled(
    random,
    values.length > 0 && random.chance(0.3) ? [...values, random.pick(values)] : values,
  );
}

function spellId(random: Random, id: string): Spelling {
  return Number.isSafeInteger(Number(id)) && random.chance(0.5)
    ? { literal: id, json: Number(id) }
    : plain(id);
}

function spellDecimal(random: Random, text: string): Spelling {
  const [whole, fraction = ''] = text.split('.');
  const forms = [text, `${whole}.${fraction}0`, `${whole}.${fraction}00`];
  if (fraction === '') forms.push(`${whole}0e-1`);
  if (!text.startsWith('-')) forms.push(`+${text}`, `0${text}`);
  if (random.chance(0.4)) return { literal: text, json: Number(text) };
  return plain(random.pick(forms));
}

function spellInstant(random: Random, millis: number): Spelling {
  const inZone = (minutes: number, zone: string) =>
    plain(new Date(millis + minutes * 60_000).toISOString().replace('Z', zone));
  return random.pick([
    () => plain(new Date(millis).toISOString()),
    () => inZone(330, '+05:30'),
    () => inZone(-480, '-08:00'),
    () => plain(millis),
    () => plain(String(millis)),
    () => ({ literal: millis.toExponential(), json: millis }),
  ])();
}
