import type { Outcome } from '../sources/model.ts';
import { microsOfPostgres, microsOfRfc3339 } from '../timestamps.ts';
import {
  type CdrFilter,
  type CdrFilterName,
  type CdrType,
  type FilterKindOf,
  type FilterValues,
  filterNames,
  type NumberMatch,
} from './cdr-filter.ts';
import type { CdrRow } from './cdrs.ts';

/** A call that was read, and whether the switch calls the attempt a success. */
export interface FilteredRow extends CdrRow {
  readonly successful: boolean | null;
}

/** As in SQL: null where a value that is needed is unknown. */
type Truth = boolean | null;

type RowTests = {
  readonly [Name in CdrFilterName]: (row: FilteredRow, value: FilterValues[FilterKindOf<Name>]) => Truth;
};

/**
 * What the conditions of `cdrFilters` say in SQL, said of a call in memory: one pass over the calls that arrive serves
 * filters by the thousand. A filter without a line here does not compile; a test compares both forms call by call.
 */
const tests: RowTests = {
  accountIds: (row, ids) => isOneOf(wholeOf(row.i_account), ids),
  customerIds: (row, ids) => isOneOf(wholeOf(row.i_customer), ids),
  from: (row, instant) => compares(timeOf(row), microsOfInstant(instant), (order) => order >= 0),
  to: (row, instant) => compares(timeOf(row), microsOfInstant(instant), (order) => order < 0),
  cli: (row, match) => matchesNumber(row.cli, match),
  cld: (row, match) => matchesNumber(row.cld, match),
  cliIn: (row, match) => matchesNumber(row.cli_in, match),
  cldIn: (row, match) => matchesNumber(row.cld_in, match),
  callIds: (row, texts) => isOneOf(row.call_id, texts),
  type: (row, type) => typeTests[type](row),
  disconnectCauses: (row, causes) => isOneOf(wholeOf(row.disconnect_cause), causes.map(String)),
  outcomes: (row, outcomes) => isOneOf(row.outcome, outcomes as readonly Outcome[]),
  releaseSources: (row, texts) => isOneOf(row.release_source, texts),
  countries: (row, texts) => isOneOf(row.country, texts),
  regions: (row, texts) => isOneOf(row.region, texts),
  prefixes: (row, texts) => isOneOf(row.prefix, texts),
  minDurationSeconds: (row, decimal) => compareDecimals(row.duration, decimal, (order) => order >= 0),
  maxDurationSeconds: (row, decimal) => compareDecimals(row.duration, decimal, (order) => order <= 0),
  minPddSeconds: (row, decimal) => compareDecimals(row.pdd, decimal, (order) => order >= 0),
  remoteIp: (row, text) => (row.remote_ip === null ? null : row.remote_ip === text),
};

const typeTests: Readonly<Record<CdrType, (row: FilteredRow) => Truth>> = {
  ALL: () => true,
  NON_ZERO: isSpoken,
  NON_ZERO_AND_ERRORS: (row) => or(isSpoken(row), not(row.successful)),
  COMPLETE: (row) => row.successful,
  INCOMPLETE: (row) => not(row.successful),
  ERRORS: (row) => and(not(row.successful), isSpoken(row) !== true),
};

/** Whether the call passes. One of which that is unknown does not. */
export function passesFilter(filter: CdrFilter, row: FilteredRow): boolean {
  return testOf(filter, row) === true;
}

function testOf(filter: CdrFilter, row: FilteredRow): Truth {
  let truth: Truth = true;
  for (const name of filterNames) {
    if (filter[name] != null) truth = and(truth, testPart(name, filter, row));
    if (truth === false) return false;
  }
  if (filter.anyOf != null) {
    truth = and(
      truth,
      filter.anyOf.reduce<Truth>((any, each) => or(any, testOf(each, row)), false),
    );
  }
  return filter.not == null ? truth : and(truth, testOf(filter.not, row) !== true);
}

function testPart<Name extends CdrFilterName>(name: Name, filter: CdrFilter, row: FilteredRow): Truth {
  return tests[name](row, filter[name] as FilterValues[FilterKindOf<Name>]);
}

function not(truth: Truth): Truth {
  return truth === null ? null : !truth;
}

function and(one: Truth, other: Truth): Truth {
  if (one === false || other === false) return false;
  return one === null || other === null ? null : true;
}

function or(one: Truth, other: Truth): Truth {
  if (one === true || other === true) return true;
  return one === null || other === null ? null : false;
}

function isOneOf(value: string | null, values: readonly string[]): Truth {
  // `= any('{}')` is false even of what is unknown.
  if (value === null) return values.length === 0 ? false : null;
  return values.includes(value);
}

/** The whole number in its one spelling; null for what is shown from text because it is none. */
function wholeOf(value: string | number | null): string | null {
  if (value === null) return null;
  const text = String(value);
  return /^-?\d{1,19}$/.test(text) ? BigInt(text).toString() : null;
}

function isSpoken({ duration }: FilteredRow): Truth {
  return compareDecimals(duration, '0', (order) => order > 0);
}

/** A filter is tried on every call that arrives. */
const knownInstants = new Map<string, bigint>();
const MAX_KNOWN_INSTANTS = 10_000;

/** Of a filter, whose instants are within years that RFC 3339 can say. */
function microsOfInstant(text: string): bigint {
  const known = knownInstants.get(text);
  if (known !== undefined) return known;
  const micros = microsOfRfc3339(text)!;
  if (knownInstants.size >= MAX_KNOWN_INSTANTS) knownInstants.clear();
  knownInstants.set(text, micros);
  return micros;
}

/** Infinite times lie before and behind all others. */
function timeOf({ connect_time }: FilteredRow): bigint | 'before' | 'behind' | null {
  if (connect_time === null) return null;
  const text = String(connect_time);
  return microsOfPostgres(text) ?? (text.startsWith('-') ? 'before' : 'behind');
}

function compares(
  value: bigint | 'before' | 'behind' | null,
  other: bigint,
  test: (order: number) => boolean,
): Truth {
  if (value === null) return null;
  if (typeof value === 'string') return test(value === 'before' ? -1 : 1);
  return test(value < other ? -1 : value > other ? 1 : 0);
}

function matchesNumber(value: string | null, match: NumberMatch): Truth {
  const tested: Truth[] = [];
  const { is, startsWith, endsWith, contains } = match;
  if (is != null) tested.push(value === null ? null : value === is);
  if (startsWith != null) tested.push(value === null ? null : value.startsWith(startsWith));
  if (endsWith != null) tested.push(value === null ? null : value.endsWith(endsWith));
  if (contains != null) tested.push(value === null ? null : value.includes(contains));
  return tested.reduce<Truth>(and, true);
}

/** Of what is no finite number nothing is known, and no condition on it holds. */
function compareDecimals(value: string | null, other: string, test: (order: number) => boolean): Truth {
  if (value === null) return null;
  const parts = DECIMAL.exec(value);
  if (!parts) return false;
  return test(orderOf(parts, DECIMAL.exec(other)!));
}

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

/** Below 0, 0 or above it, exactly, whatever the digits. */
function orderOf(one: RegExpExecArray, other: RegExpExecArray): number {
  const digits = Math.max(one[3]?.length ?? 0, other[3]?.length ?? 0);
  const [left, right] = [scaled(one, digits), scaled(other, digits)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function scaled([, sign, whole, fraction = '']: RegExpExecArray, digits: number): bigint {
  const value = BigInt(`${whole}${fraction.padEnd(digits, '0')}`);
  return sign === '-' ? -value : value;
}
