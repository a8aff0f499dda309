import { GraphQLError, type GraphQLScalarLiteralParser, Kind } from 'graphql';
import { GraphQLBigInt } from 'graphql-scalars';
import { isTimestamp, microsOfRfc3339 } from '../db/timestamps.ts';
import { builder } from './builder.ts';

const parseDateTime = (value: unknown): bigint => {
  const micros =
    typeof value === 'string'
      ? microsOfText(value.trim())
      : typeof value === 'number' && Number.isFinite(value)
        ? microsOfMillis(value)
        : undefined;
  if (micros !== undefined) return micros;
  throw new GraphQLError(
    'A DateTime is RFC 3339 text with a zone, such as "2026-01-05T09:00:00Z", or milliseconds since 1970.',
  );
};

/** Text of 10 digits or more is epoch milliseconds: Grafana puts its variables into quotes. */
function microsOfText(text: string): bigint | undefined {
  return /^-?\d{10,17}$/.test(text) ? microsOfMillis(Number(text)) : microsOfRfc3339(text);
}

function microsOfMillis(millis: number): bigint | undefined {
  // Far beyond PostgreSQL's calendar, and a thousand times as much must still be a number.
  if (Math.abs(millis) > Number.MAX_SAFE_INTEGER) return undefined;
  const micros = BigInt(Math.round(millis * 1000));
  return isTimestamp(micros) ? micros : undefined;
}

const parseDecimal = (value: unknown): string => {
  const text = typeof value === 'number' || typeof value === 'string' ? String(value).trim() : '';
  if (/^[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})(e[+-]?\d{1,2})?$/i.test(text)) return text;
  throw new GraphQLError('A Decimal is a number, or text such as "12.500000".');
};

const literal =
  <T>(parse: (value: unknown) => T): GraphQLScalarLiteralParser<T> =>
  (node) => {
    if (node.kind === Kind.INT || node.kind === Kind.FLOAT || node.kind === Kind.STRING)
      return parse(node.value);
    return parse(undefined);
  };

builder.scalarType('DateTime', {
  description:
    'An instant. Answers are RFC 3339 in UTC, always with microseconds: `2026-01-05T09:00:00.000000Z`. Arguments may ' +
    'carry any zone, `2026-01-05T10:00:00+01:00`, or be milliseconds since 1970 as a number, inline or in a variable.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
  serialize: (value) => value,
  parseValue: parseDateTime,
  // An inline integer may be larger than 32 bits, which is why the literal is read by ourselves.
  parseLiteral: (node) =>
    literal((value) => parseDateTime(node.kind === Kind.INT ? Number(value) : value))(node, undefined),
});

builder.scalarType('Decimal', {
  description:
    'An exact decimal number, as a string: `"0.012500"`. Money and seconds are never floating point here. ' +
    'Arguments may be numbers or strings.',
  serialize: (value) => value,
  parseValue: parseDecimal,
  parseLiteral: (node) => literal(parseDecimal)(node, undefined),
});

builder.addScalarType('BigInt', GraphQLBigInt, {
  description: 'A whole number of any size. A JSON number up to 2^53, a string beyond.',
});
