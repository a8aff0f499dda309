import fc from 'fast-check';
import type { Insertable } from 'kysely';
import type { Xdrs } from '../../src/db/generated/model.ts';
import type { CallOutcome, CdrFilter, NumberMatch } from '../generated/operations.ts';
import { anXdr } from '../support/builders.ts';

/**
 * What the API must say of calls, worked out in plain JavaScript over the rows that were inserted. Nothing here comes
 * from src: not the outcomes of causes, not the order, not the arithmetic.
 */

/** A row of `xdrs`, and what only JavaScript needs of it. */
export interface Call extends Insertable<Xdrs> {
  readonly i_xdr: string;
  readonly i_account: string;
  /** Connect time, microseconds since 1970. */
  readonly micros: bigint;
}

export type Order = 'NEWEST_FIRST' | 'OLDEST_FIRST';

/** The row itself, without what the table has no column for. */
export function rowOf({ micros: _, ...row }: Call): Insertable<Xdrs> {
  return row;
}

/** As the API writes it: RFC 3339 with microseconds. */
export function instantOf(micros: bigint): string {
  const millis = new Date(Number(micros / 1000n)).toISOString();
  return millis.replace('Z', `${String(micros % 1000n).padStart(3, '0')}Z`);
}

export function microsOf(instant: string): bigint {
  return BigInt(Date.parse(instant)) * 1000n;
}

/** Few letters, so that texts meet: LIKE's own characters, quotes, and what takes several bytes. */
const number = fc.string({
  unit: fc.constantFrom('3', '3', '4', '%', '_', '\\', "'", '"', 'é', 'e\u0301', '😀', 'a', 'A', ' ', '+'),
  maxLength: 5,
});

const causes = [16, 16, 16, 17, 18, 20, 21, 1, 28, 34, 41, 50, 87, 127, null] as const;
const countries = ['FRANCE', 'CÔTE D’IVOIRE', 'UNITED KINGDOM', null] as const;
const customerOf: Readonly<Record<string, string | null>> = { 14: '3', 15: '3', 16: '4', 17: null };

/** A call within half a minute, so that many tie: on the second, on the microsecond. */
const call = fc.record({
  i_account: fc.constantFrom('14', '15', '16', '17'),
  second: fc.nat({ max: 30 }),
  micro: fc.constantFrom(0, 0, 0, 1, 999_999),
  cli: fc.option(number, { freq: 8 }),
  cld: fc.option(number, { freq: 8 }),
  duration: fc.constantFrom('0', '0', '0.000000001', '1', '5.999999', '6', '6.000001', '60.25', '3600'),
  charged_quantity: fc.option(fc.nat({ max: 4000 }), { freq: 5 }),
  charged_amount: fc.constantFrom('0', '0.012500', '0.1', '0.2', '1e-10', '-3.5', '12345678901234567890.123'),
  pdd: fc.option(fc.constantFrom('0', '0.1', '1.84', '2.5', '4.000001')),
  disconnect_cause: fc.constantFrom(...causes),
  country: fc.constantFrom(...countries),
  prefix: fc.constantFrom('33', '4420', 'external_translation_error', null),
  remote_ip: fc.constantFrom('192.0.2.10', '192.0.2.1', '2001:db8::1', null),
});

const BASE = microsOf('2026-01-05T09:00:00Z');

/** So many calls, the same every time. Keys are not in the order of times: calls end when they end. */
export function someCalls(count: number, seed = 1): Call[] {
  const drawn = fc.sample(call, { numRuns: count, seed });
  return drawn.map(({ second, micro, ...rest }, index) => {
    const micros = BASE + BigInt(second) * 1_000_000n + BigInt(micro);
    return aCall(micros, String(1 + ((index * 7919) % 10_007)), { ...rest, ...secondary(micros, index) });
  });
}

/** What one prefix leads to on a Sippy, which looks it up. */
export const places: Readonly<Record<string, { country: string | null; region: string | null }>> = {
  33: { country: 'FRANCE', region: 'Paris' },
  4420: { country: 'UNITED KINGDOM', region: 'London' },
  external_translation_error: { country: null, region: null },
};

/** Calls that either switch can hold: no more digits than a double, and places by prefix. */
export function callsOfEitherSwitch(count: number, seed: number): Call[] {
  return someCalls(count, seed).map((call, index) =>
    aCall(call.micros, call.i_xdr, {
      ...rowOf(call),
      ...(places[call.prefix ?? ''] ?? { country: null, region: null }),
      i_account: call.i_account === '17' ? '16' : call.i_account,
      charged_amount: ['0.0125', '0.1', '3', '1666.63'][index % 4]!,
      duration: ['0', '0', '2.921805825', '60.25', '5'][index % 5]!,
      pdd: index % 3 === 0 ? null : '1.84',
      charged_quantity: index % 3600,
    }),
  );
}

/** What changes from call to call, and nothing else depends on. Some of it is missing, some of it empty. */
function secondary(micros: bigint, index: number): Partial<Insertable<Xdrs>> {
  const setup = micros - BigInt((index * 379) % 4000) * 1000n;
  return {
    call_id: index % 11 === 0 ? null : `${index % 41}-a%_\\@192.0.2.10`,
    cli_in: ['33', '+33', '3%4', null, '', '4_a'][index % 6]!,
    cld_in: ['0033', '433', null, '3a', '4\\'][index % 5]!,
    region: ['Paris', 'London', 'Île-de-France', null, ''][index % 5]!,
    release_source: ['caller', 'callee', 'callee', '', null, 'switch'][index % 6]!,
    setup_time: index % 7 === 0 ? null : instantOf(setup),
  };
}

/** A call at that instant. */
export function aCall(micros: bigint, id: string, rest: Partial<Insertable<Xdrs>> = {}): Call {
  const i_account = String(rest.i_account ?? '14');
  const i_customer = customerOf[i_account] ?? null;
  const row = anXdr({ ...rest, i_customer, connect_time: instantOf(micros), i_xdr: id });
  return { ...row, i_account, micros };
}

/** The order of lists: connect time, ties broken by key. */
export function inOrder(calls: readonly Call[], order: Order): Call[] {
  const oldestFirst = calls.toSorted((a, b) => {
    if (a.micros !== b.micros) return a.micros < b.micros ? -1 : 1;
    return BigInt(a.i_xdr) < BigInt(b.i_xdr) ? -1 : 1;
  });
  return order === 'OLDEST_FIRST' ? oldestFirst : oldestFirst.reverse();
}

/** What became of the call, by ITU-T Q.850 and the clock. */
export function outcomeOf({ disconnect_cause: cause, duration }: Call): CallOutcome | null {
  const spoke = decimalOf(duration) > 0n;
  switch (cause) {
    case null:
    case undefined:
      return spoke ? 'ANSWERED' : null;
    case 16:
      return spoke ? 'ANSWERED' : 'CANCELLED';
    case 17:
      return 'BUSY';
    case 18:
    case 19:
    case 20:
      return 'NO_ANSWER';
    case 21:
      return 'REJECTED';
    case 1:
    case 3:
    case 4:
    case 5:
    case 22:
    case 27:
    case 28:
      return 'UNREACHABLE';
    case 50:
    case 52:
    case 53:
    case 54:
    case 55:
    case 57:
    case 87:
      return 'REFUSED';
    default:
      return 'NETWORK';
  }
}

/** Digits behind the point that sums are exact to. */
const SCALE = 60;

/** A decimal as a whole number of 10^-60. */
export function decimalOf(text: unknown): bigint {
  const found = /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(String(text))!;
  const [, sign, whole = '', fraction = '', exponent = '0'] = found;
  const zeros = SCALE - fraction.length + Number(exponent);
  const digits = BigInt(whole + fraction || '0');
  const value = zeros >= 0 ? digits * 10n ** BigInt(zeros) : digits / 10n ** BigInt(-zeros);
  return sign === '-' ? -value : value;
}

export const ONE = 10n ** BigInt(SCALE);

/** Whether the filter lets the call through. */
export function passes(call: Call, filter: CdrFilter): boolean {
  const outcome = outcomeOf(call);
  const spoke = decimalOf(call.duration) > 0n;
  const isSuccess = call.disconnect_cause === 16 || (call.disconnect_cause == null && spoke);
  const types = {
    ALL: true,
    NON_ZERO: spoke,
    NON_ZERO_AND_ERRORS: spoke || !isSuccess,
    COMPLETE: isSuccess,
    INCOMPLETE: !isSuccess,
    ERRORS: !isSuccess && !spoke,
  };
  return [
    isOneOf(call.i_account, filter.accountIds),
    isOneOf(call.i_customer, filter.customerIds),
    isOneOf(call.disconnect_cause, filter.disconnectCauses),
    isOneOf(outcome, filter.outcomes),
    isOneOf(call.country, filter.countries),
    isOneOf(call.call_id, filter.callIds),
    isOneOf(call.prefix, filter.prefixes),
    isOneOf(call.region, filter.regions),
    isOneOf(call.release_source, filter.releaseSources),
    filter.minPddSeconds == null ||
      (call.pdd != null && decimalOf(call.pdd) >= decimalOf(filter.minPddSeconds)),
    filter.from == null || call.micros >= microsOfArgument(filter.from),
    filter.to == null || call.micros < microsOfArgument(filter.to),
    hasNumber(call.cli ?? null, filter.cli),
    hasNumber(call.cld ?? null, filter.cld),
    hasNumber(call.cli_in ?? null, filter.cliIn),
    hasNumber(call.cld_in ?? null, filter.cldIn),
    filter.type == null || types[filter.type],
    filter.minDurationSeconds == null || decimalOf(call.duration) >= decimalOf(filter.minDurationSeconds),
    filter.maxDurationSeconds == null || decimalOf(call.duration) <= decimalOf(filter.maxDurationSeconds),
    filter.remoteIp == null || call.remote_ip === filter.remoteIp,
    filter.not == null || !passes(call, filter.not),
    filter.anyOf == null || [filter.anyOf].flat().some((each) => passes(call, each)),
  ].every(Boolean);
}

function isOneOf(value: unknown, list: readonly unknown[] | null | undefined): boolean {
  return list == null || (value != null && list.some((item) => String(item) === String(value)));
}

function hasNumber(number: string | null, match: NumberMatch | null | undefined): boolean {
  const { is, startsWith, endsWith, contains } = match ?? {};
  const parts: [string | null | undefined, (part: string) => boolean][] = [
    [is, (part) => number === part],
    [startsWith, (part) => number!.startsWith(part)],
    [endsWith, (part) => number!.endsWith(part)],
    [contains, (part) => number!.includes(part)],
  ];
  return parts.every(([part, holds]) => part == null || (number !== null && holds(part)));
}

/** Epoch milliseconds, or text with up to six decimals of a second. */
function microsOfArgument(argument: string | number): bigint {
  if (typeof argument === 'number') return BigInt(argument) * 1000n;
  const [, seconds, fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(argument)!;
  return microsOf(`${seconds}Z`) + BigInt(fraction.padEnd(6, '0'));
}

/** Two or three parts of a filter are given, rarely one is null, the rest is missing. */
const mostlyMissing = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof(
    { weight: 19, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 3, arbitrary },
  );

/** Of several, none among them. */
const listOf = <T>(...items: T[]) =>
  fc.oneof(
    { weight: 1, arbitrary: fc.constant<T[]>([]) },
    { weight: 12, arbitrary: fc.array(fc.constantFrom(...items), { minLength: 1, maxLength: 4 }) },
  );

const numberMatch = fc.record(
  {
    is: fc.option(number),
    startsWith: fc.option(number),
    endsWith: fc.option(number),
    contains: fc.option(number),
  },
  { requiredKeys: [] },
);

const instant = fc
  .tuple(fc.integer({ min: -1, max: 31 }), fc.constantFrom(0, 1, 999_999))
  .map(([second, micro]) => instantOf(BASE + BigInt(second) * 1_000_000n + BigInt(micro)));

const seconds = fc.constantFrom('0', '1', '6', '5.999999', '6.0000005', '1e3', '.5', 60.25, '-1', '3.6e3');

type PartName = Exclude<keyof CdrFilter, 'not' | 'anyOf'>;

/** Every filter of the API has a line. */
const ownParts: { readonly [Name in PartName]-?: fc.Arbitrary<CdrFilter[Name]> } = {
  accountIds: mostlyMissing(listOf('14', '15', '17', '99')),
  customerIds: mostlyMissing(listOf('3', '4', '5')),
  from: mostlyMissing(instant),
  to: mostlyMissing(instant),
  cli: mostlyMissing(numberMatch),
  cld: mostlyMissing(numberMatch),
  cliIn: mostlyMissing(numberMatch),
  cldIn: mostlyMissing(numberMatch),
  type: mostlyMissing(
    fc.constantFrom('ALL', 'NON_ZERO', 'NON_ZERO_AND_ERRORS', 'COMPLETE', 'INCOMPLETE', 'ERRORS'),
  ),
  disconnectCauses: mostlyMissing(listOf(16, 17, 34, 87, 0, -1)),
  outcomes: mostlyMissing(
    listOf<CallOutcome>(
      'ANSWERED',
      'CANCELLED',
      'BUSY',
      'NO_ANSWER',
      'REJECTED',
      'UNREACHABLE',
      'NETWORK',
      'REFUSED',
    ),
  ),
  countries: mostlyMissing(listOf('FRANCE', 'CÔTE D’IVOIRE', 'france', '')),
  minDurationSeconds: mostlyMissing(seconds),
  maxDurationSeconds: mostlyMissing(seconds),
  callIds: mostlyMissing(listOf('3-a%_\\@192.0.2.10', '40-a%_\\@192.0.2.10', '3-A%_\\@192.0.2.10', '')),
  prefixes: mostlyMissing(listOf('33', '4420', '44', 'external_translation_error', '')),
  regions: mostlyMissing(listOf('Paris', 'Île-de-France', 'paris', '')),
  releaseSources: mostlyMissing(listOf('caller', 'callee', 'Caller', '')),
  minPddSeconds: mostlyMissing(fc.constantFrom('0', '0.1', '2.5', '1.84', '4.0000011', 2, '-1')),
  remoteIp: mostlyMissing(fc.constantFrom('192.0.2.1', '192.0.2.10', '2001:db8::1', '')),
};

/** One part alone, always given. */
const onePart: fc.Arbitrary<CdrFilter> = fc
  .constantFrom(...(Object.keys(ownParts) as PartName[]))
  .chain((name) => (ownParts[name] as fc.Arbitrary<unknown>).map((value) => ({ [name]: value })));

/** Filters within filters, three deep. */
const { within } = fc.letrec<{ within: CdrFilter }>((tie) => ({
  within: fc.oneof(
    { maxDepth: 2, depthSize: 'small' },
    { weight: 4, arbitrary: onePart },
    { weight: 2, arbitrary: fc.tuple(onePart, onePart).map(([one, other]) => ({ ...one, ...other })) },
    { weight: 1, arbitrary: fc.record({ not: tie('within') }) },
    { weight: 1, arbitrary: fc.tuple(onePart, tie('within')).map(([part, not]) => ({ ...part, not })) },
    { weight: 1, arbitrary: fc.record({ anyOf: fc.array(tie('within'), { maxLength: 3 }) }) },
  ),
}));
const nested = within.filter(isInOrder);

const filterParts: { readonly [Name in keyof CdrFilter]-?: fc.Arbitrary<CdrFilter[Name]> } = {
  ...ownParts,
  not: mostlyMissing(nested),
  anyOf: mostlyMissing(fc.array(nested, { maxLength: 3 })),
};

/** Whether no range in it is empty or inverted, which is refused. */
function isInOrder({ from, to, not, anyOf }: CdrFilter): boolean {
  const parts = [not ?? [], anyOf ?? []].flat();
  return (from == null || to == null || from < to) && parts.every(isInOrder);
}

export const filterNames = Object.keys(filterParts) as (keyof CdrFilter)[];

/** One part alone, always given. */
export function filtersBy(name: keyof CdrFilter): fc.Arbitrary<CdrFilter> {
  const part: fc.Arbitrary<unknown> = filterParts[name];
  return part.filter((value) => value != null).map((value) => ({ [name]: value }));
}

/** Any filter of the API that is not refused, most parts missing or null. */
export const filters: fc.Arbitrary<CdrFilter> = fc.record(filterParts).filter(isInOrder);
