import { type ExpectedRow, type ExpectedRows, encodedText } from './expected-rows.ts';
import { type ListPart, listParts, type NumberFilter, type RandomFilter } from './random-filter.ts';

/**
 * Which calls a filter means, worked out from what is stored: without SQL, and value by value. A call of which a value
 * is unknown does not match what is said of that value.
 */

export function matches(oracle: ExpectedRows, row: ExpectedRow, filter: RandomFilter): boolean {
  const { not, anyOf, ...parts } = filter;
  if (not && matches(oracle, row, not)) return false;
  if (anyOf && !anyOf.some((each) => matches(oracle, row, each))) return false;
  return Object.entries(parts).every(
    ([name, value]) => value === undefined || matchesPart(oracle, row, name, value),
  );
}

function matchesPart(oracle: ExpectedRows, row: ExpectedRow, name: string, value: unknown): boolean {
  const { values, micros } = row;
  switch (name) {
    case 'accountIds':
      return row.account !== null && (value as string[]).includes(row.account);
    case 'customerIds':
      return (value as unknown[]).includes(values.customerId ?? undefined);
    case 'disconnectCauses':
      return (value as unknown[]).includes(values.disconnectCause ?? undefined);
    case 'from':
      return micros !== null && micros >= (value as number) * 1000;
    case 'to':
      return micros !== null && micros < (value as number) * 1000;
    case 'cli':
    case 'cld':
      return matchesNumber(oracle, row.bytes[name] ?? null, value as NumberFilter);
    case 'type':
      return matchesType(oracle.source, row, String(value));
    case 'outcomes':
      return (value as unknown[]).includes(outcomeOf(oracle.source, row) ?? undefined);
    case 'minDurationSeconds':
      return compareDecimals(values.durationSeconds, value as string, (order) => order >= 0);
    case 'maxDurationSeconds':
      return compareDecimals(values.durationSeconds, value as string, (order) => order <= 0);
    case 'minPddSeconds':
      return compareDecimals(values.pddSeconds, value as string, (order) => order >= 0);
    case 'remoteIp':
      return isText(oracle, row.bytes.remoteIp ?? null, value as string);
    default:
      return (value as string[]).some((text) =>
        isText(oracle, row.bytes[listParts[name as ListPart]] ?? null, text),
      );
  }
}

function isText({ encoding }: ExpectedRows, bytes: Buffer | null, text: string): boolean {
  return bytes !== null && encodedText(text, encoding)?.equals(bytes) === true;
}

function matchesNumber({ encoding }: ExpectedRows, bytes: Buffer | null, filter: NumberFilter): boolean {
  const given = Object.entries(filter);
  if (given.length === 0) return true;
  return given.every(([part, text]) => {
    const wanted = encodedText(text!, encoding);
    if (bytes === null || wanted === undefined) return false;
    if (part === 'is') return bytes.equals(wanted);
    if (part === 'contains') return bytes.includes(wanted);
    const [start, end] =
      part === 'startsWith' ? [0, wanted.length] : [bytes.length - wanted.length, bytes.length];
    return start >= 0 && end <= bytes.length && bytes.subarray(start, end).equals(wanted);
  });
}

/** What the switch calls a success. */
const SUCCESSES: Readonly<Record<ExpectedRows['source'], readonly number[]>> = {
  xdrs: [16],
  sippy: [0, 200, 202],
};

function matchesType(source: ExpectedRows['source'], { values }: ExpectedRow, type: string): boolean {
  const isSpoken = compareDecimals(values.durationSeconds, '0', (order) => order > 0);
  const cause = values.disconnectCause;
  const isSuccess = typeof cause === 'number' ? SUCCESSES[source].includes(cause) : isSpoken;
  switch (type) {
    case 'NON_ZERO':
      return isSpoken;
    case 'COMPLETE':
      return isSuccess;
    case 'INCOMPLETE':
      return !isSuccess;
    case 'ERRORS':
      return !isSuccess && !isSpoken;
    default:
      return isSpoken || !isSuccess;
  }
}

/** What a cause means. Causes of no list are NETWORK. */
const OUTCOMES: Readonly<Record<ExpectedRows['source'], Readonly<Record<string, readonly number[]>>>> = {
  xdrs: {
    BUSY: [17],
    NO_ANSWER: [18, 19, 20],
    REJECTED: [21],
    UNREACHABLE: [1, 3, 4, 5, 22, 27, 28],
    REFUSED: [50, 52, 53, 54, 55, 57, 87],
  },
  sippy: {
    CANCELLED: [487, -30],
    BUSY: [486, 600],
    NO_ANSWER: [480, 408],
    REJECTED: [603, 607],
    UNREACHABLE: [404, 410, 484, 485, 604, -24],
  },
};

/** Null where it is unknown. */
export function outcomeOf(source: ExpectedRows['source'], { values }: ExpectedRow): string | null {
  const { disconnectCause: cause, durationSeconds: seconds } = values;
  const isSpoken = compareDecimals(seconds, '0', (order) => order > 0);
  if (typeof cause !== 'number') return isSpoken ? 'ANSWERED' : null;
  if (SUCCESSES[source].includes(cause)) {
    if (isSpoken) return 'ANSWERED';
    return seconds === undefined ? null : 'CANCELLED';
  }
  const [listed] = Object.entries(OUTCOMES[source]).find(([, causes]) => causes.includes(cause)) ?? [];
  return listed ?? (source === 'sippy' && cause < 0 ? 'REFUSED' : 'NETWORK');
}

function compareDecimals(value: unknown, other: string, test: (order: number) => boolean): boolean {
  if (typeof value !== 'string') return false;
  const [one, two] = [scaled(value), scaled(other)];
  return test(one < two ? -1 : one > two ? 1 : 0);
}

/** More digits than any value here has behind its point. */
const DIGITS = 60;

function scaled(text: string): bigint {
  const [, sign, whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text)!;
  const digits = BigInt(`${whole}${fraction.padEnd(DIGITS, '0').slice(0, DIGITS)}`);
  return sign === '-' ? -digits : digits;
}
