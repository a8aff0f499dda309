import {
  type ConstValueNode,
  GraphQLError,
  GraphQLID,
  GraphQLInt,
  type GraphQLScalarType,
  Kind,
  type ValueNode,
} from 'graphql';
import { GraphQLBigInt } from 'graphql-scalars';
import { isTimestamp, microsOfRfc3339 } from '../db/timestamps.ts';
import type { InstantArgument } from '../resolvers/cdr-filter.ts';
import { builder } from './builder.ts';

/*
 * A value means the same in the document and in a variable. So a number that is written in the document is what JSON
 * makes of it: `1.0` and `1e0` are 1 there, and cannot be told from it. And JSON makes another number of a whole one
 * beyond 2^53, which is refused where digits count.
 */

const AS_STRING = 'A whole number beyond 2^53 is not exact as a number: give it as a string.';

/** Undefined for whatever no scalar of ours takes. */
function valueOfLiteral(node: ValueNode): unknown {
  if (node.kind === Kind.INT || node.kind === Kind.FLOAT) return Number(node.value);
  return node.kind === Kind.STRING ? node.value : undefined;
}

/** Digits, or undefined when it is no whole number. Throws GraphQLError beyond 2^53. */
function digitsOf(number: number): string | undefined {
  if (!Number.isInteger(number)) return undefined;
  if (!Number.isSafeInteger(number)) throw new GraphQLError(AS_STRING);
  return String(number);
}

function parseId(value: unknown): string {
  const id = typeof value === 'number' ? digitsOf(value) : value;
  if (typeof id === 'string') return id;
  throw new GraphQLError('An ID is a string or a whole number, such as "14".');
}

function parseInstant(value: unknown): InstantArgument {
  const text = typeof value === 'string' ? value.trim() : undefined;
  // Text of 10 digits or more is epoch milliseconds: Grafana puts its variables into quotes.
  const millis = text !== undefined && /^-?\d{10,17}$/.test(text) ? Number(text) : value;
  const instant = typeof millis === 'number' ? instantOfMillis(millis) : microsOfRfc3339(text ?? '');
  if (instant !== undefined) return instant;
  throw new GraphQLError(
    'A DateTime is RFC 3339 text with a zone, such as "2026-01-05T09:00:00Z", or milliseconds since 1970.',
  );
}

function instantOfMillis(millis: number): InstantArgument | undefined {
  // Far beyond PostgreSQL's calendar, and a thousand times as much must still be a number.
  if (!(Math.abs(millis) <= Number.MAX_SAFE_INTEGER)) return undefined;
  const micros = BigInt(Math.round(millis * 1000));
  return isTimestamp(micros) ? { micros, isNumber: true } : undefined;
}

const DECIMAL = /^[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})(e[+-]?\d{1,2})?$/i;

function parseDecimal(value: unknown): string {
  const text = typeof value === 'number' ? (digitsOf(value) ?? String(value)) : value;
  if (typeof text === 'string' && DECIMAL.test(text.trim())) return text.trim();
  throw new GraphQLError('A Decimal is a number, or text such as "12.500000".');
}

/** A fraction has all the digits that are written in the document. */
function parseDecimalLiteral(node: ValueNode): string {
  const value = valueOfLiteral(node);
  if (node.kind !== Kind.FLOAT || Number.isInteger(value) || !DECIMAL.test(node.value))
    return parseDecimal(value);
  return node.value;
}

function parseBigInt(value: unknown): bigint {
  const digits = typeof value === 'number' ? digitsOf(value) : value;
  if (typeof digits === 'bigint') return digits;
  if (typeof digits === 'string' && /^-?\d{1,40}$/.test(digits)) return BigInt(digits);
  throw new GraphQLError('A BigInt is a whole number, or text such as "9007199254740993".');
}

builder.scalarType('DateTime', {
  description:
    'An instant. Answers are RFC 3339 in UTC, always with microseconds: `2026-01-05T09:00:00.000000Z`. Arguments may ' +
    'carry any zone, `2026-01-05T10:00:00+01:00`, or be milliseconds since 1970 as a number, inline or in a variable. ' +
    'A number that would lie in 1970 is refused: it is commonly seconds.',
  specifiedByURL: 'https://www.rfc-editor.org/rfc/rfc3339',
  serialize: (value) => value,
  parseValue: parseInstant,
  // An inline integer may be larger than 32 bits, which is why the literal is read by ourselves.
  parseLiteral: (node) => parseInstant(valueOfLiteral(node)),
});

builder.scalarType('Decimal', {
  description:
    'An exact decimal number, as a string: `"0.012500"`. Money and seconds are never floating point here. ' +
    'Arguments may be numbers or strings; a whole number beyond 2^53 must be a string.',
  serialize: (value) => value,
  parseValue: parseDecimal,
  parseLiteral: parseDecimalLiteral,
});

builder.addScalarType('BigInt', GraphQLBigInt, {
  description: 'A whole number of any size. A JSON number up to 2^53, a string beyond.',
  parseValue: parseBigInt,
  parseLiteral: (node) => parseBigInt(valueOfLiteral(node)),
});

/**
 * GraphQL's own scalars. There is one of each for all schemas of a process, found by identity, so that none of another
 * kind can take their place in ours.
 */
function readAlike<Internal>(
  scalar: GraphQLScalarType<Internal, unknown>,
  coerce: (value: unknown) => Internal,
): void {
  scalar.coerceInputValue = coerce;
  scalar.coerceInputLiteral = (node: ConstValueNode) => coerce(valueOfLiteral(node));
}

const coerceInt = GraphQLInt.coerceInputValue;

readAlike(GraphQLID, parseId);
// Adding zero makes 0 of -0.
readAlike(GraphQLInt, (value) => coerceInt(value) + 0);
